"""The report: result files in, tables, figures and one page out (no torch, no model code)."""
