"""The paper's tables that a report has, in their order."""

from ttvos.render.table2 import TABLE2
from ttvos.render.table3 import TABLE3
from ttvos.render.table4 import TABLE4
from ttvos.render.table5 import TABLE5
from ttvos.render.table6 import TABLE6

COMPARISONS = (TABLE2, TABLE3, TABLE4, TABLE5, TABLE6)
