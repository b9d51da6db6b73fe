"""Published masks in a profile's plan: which are scored, where the scores go."""

from dataclasses import dataclass
from typing import Any

from ttvos.config.run import Config
from ttvos.data.published_masks import MASK_SETS, MaskSet


@dataclass(frozen=True)
class PublishedPlan:
    """What `published` of a profile makes; nothing where it has no such section."""

    config: Config

    @property
    def scored(self) -> dict[str, dict[str, MaskSet]]:
        """Method -> dataset -> the masks of its year that are scored on it."""
        asked = self.config.published
        found: dict[str, dict[str, MaskSet]] = {}
        for method in asked.chosen if asked else ():
            sets = {name: self._masks(method, name) for name in asked.datasets}
            sets = {name: masks for name, masks in sets.items() if masks}
            if sets:
                found[method] = sets
        return found

    def _masks(self, method: str, dataset: str) -> MaskSet | None:
        masks = MASK_SETS.get((method, self.config.datasets[dataset].year))
        is_there = masks and masks.folder(self.config.data).is_dir()
        return masks if masks and (is_there or self.config.published.fetch) else None

    def folder(self, method: str, year: int) -> str:
        """Where the masks lie, or will lie."""
        return str(MASK_SETS[method, year].folder(self.config.data))

    def scores(self, method: str, dataset: str) -> str:
        """J and F of a method's masks on a dataset."""
        return f"{self.config.results}/published/{method}/{dataset}.json"

    def fetched(self, method: str, year: int) -> str:
        """Record that the masks are there and checked, or why not."""
        return f"{self.config.results}/fetch/published-masks/{method}-{year}.json"

    def inputs(self, method: str, dataset: str) -> str:
        """What scoring waits for: the record where the profile fetches, else the folder."""
        year = self.config.datasets[dataset].year
        by_record = self.config.published.fetch
        return self.fetched(method, year) if by_record else self.folder(method, year)

    def jobs(self) -> dict[str, list[str]]:
        """Rule -> its jobs, as `Plan.benchmarks` names them."""
        sets = {(m.method, m.year): m for of in self.scored.values() for m in of.values()}
        fetches = self.config.published and self.config.published.fetch
        return {
            "published": [f"{who}-{name}" for who, of in self.scored.items() for name in of],
            "fetch_masks": [f"{who}-{year}" for who, year in sets] if fetches else [],
        }

    def entries(self) -> list[dict[str, Any]]:
        """For the manifest (`ttvos.plan.manifest.PublishedEntry`)."""
        return [
            {
                "method": next(iter(of.values())).label,
                "evaluate": {dataset: self.scores(who, dataset) for dataset in of},
                "source": "; ".join(dict.fromkeys(masks.source for masks in of.values())),
            }
            for who, of in self.scored.items()
        ]
