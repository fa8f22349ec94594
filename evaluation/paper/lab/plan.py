"""How much of an experiment is run: the presets, and a plan made of one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from agents.training.config_json import with_option
from agents.training.execution import DEFAULT_EXECUTION, Execution
from plan2vec_envs.errors import InvalidOptionError

if TYPE_CHECKING:
    from agents.training.loop import Training


@dataclass(frozen=True)
class Preset:
    """A way to run every experiment.

    Attributes:
        name: how it is asked for.
        comparable: whether its rows may stand beside other numbers.
        steps: factor on every number of gradient steps.
        seeds: data-and-training seeds; None for what the experiment asks for.
        tasks: tasks an agent is judged on.
        size: rollouts x horizon, where the experiment does not vary it.
        options: agent name -> options of its configuration, dotted, on top of its defaults.
    """

    name: str
    comparable: bool = True
    steps: float = 1.0
    seeds: int | None = None
    tasks: int = 200
    size: str = "1000x10"
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


_PAPER: dict[str, dict[str, Any]] = {
    "plan2vec": {
        "local_metric.negatives": "smooth_l1",  # Eq. 5 as printed
        "global_metric.trunk": "paper_conv",  # App. G
        "global_metric.latent_dim": 2,
        "global_metric.algorithm": "amortized_search",
        "global_metric.loss": "absolute",
        "global_metric.algorithm.plans": 20,  # App. B.1: 20 plans, then 6 epochs of batches of 32
        "global_metric.algorithm.replan": 6,
        "global_metric.algorithm.batch_pairs": 32,
        "global_metric.algorithm.steps": 6000,
        # Printed: 1e-4 for mazes. The released trainers never reset their gradients, which makes Adam's steps those of
        # a long momentum; the rate is that of our own schedule, tuned for a smaller network and not yet for this one.
        "global_metric.algorithm.learning_rate": 1e-3,
    },
    "sptm-1-step-pair": {
        "pair_metric.steps": 50_000,  # App. B.1: 40 epochs; the batch of 32 is that of the released code
        "pair_metric.batch_size": 32,
        "pair_metric.learning_rate": 1e-4,
    },
    # 100 epochs of batches of 100 in the released code.
    "vae": {"vae.trunk": "resnet18", "vae.decoder": "deconvolution", "vae.steps": 10_000},
}

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        preset.name: preset
        for preset in (
            # Minutes: one seed, few rollouts, short training; shows that it runs, proves nothing.
            Preset("smoke", comparable=False, steps=0.15, seeds=1, tasks=40, size="100x10"),
            # The tables of the README: our small networks on a laptop's processor.
            Preset("quick"),
            # The paper's networks and schedules; meant for a CUDA device.
            Preset("paper", options=_PAPER),
        )
    }
)


@dataclass(frozen=True)
class Plan:
    """What is asked of an experiment.

    Attributes:
        preset: see `PRESETS`.
        seeds: data-and-training seeds 0, 1, ...; None for the experiment's own number.
        env_ids: environments; empty for the experiment's own.
        size: rollouts x horizon; None for the preset's.
        only: what to run of the experiment's `choices`; empty for all.
        device: where agents are trained.
        execution: how. It applies wherever ``device`` does, policies of Stable-Baselines3 excepted.
    """

    preset: Preset
    seeds: int | None = None
    env_ids: tuple[str, ...] = ()
    size: str | None = None
    only: tuple[str, ...] = ()
    device: str = "cpu"
    execution: Execution = DEFAULT_EXECUTION

    def __post_init__(self) -> None:
        if self.seeds is not None and self.seeds < 1:
            raise InvalidOptionError(f"{self.seeds} seeds were asked for; an experiment needs at least 1")

    def num_seeds(self, default: int) -> int:
        """How many seeds: what was asked for, else the preset's, else the experiment's default."""
        return self.seeds or self.preset.seeds or default

    def chosen(self, known: Iterable[str], default: Iterable[str] | None = None) -> list[str]:
        """Those of the known names that were asked for; where none was, the default, or all."""
        names = list(known)
        return [name for name in self.only if name in names] or list(names if default is None else default)

    def training(self, seed: int) -> Training:
        """How a network that is no part of an agent is trained."""
        from agents.training.loop import Training, resolve_device
        from agents.training.workdir import Workdir

        return Training(seed, Workdir(None), resolve_device(self.device), progress=False, execution=self.execution)

    @property
    def effort(self) -> dict[str, Any]:
        """The tasks, and the factor on gradient steps, as parameters of a run."""
        return {"tasks": self.preset.tasks, "steps": self.preset.steps}

    @property
    def rollouts(self) -> str:
        """Size of the datasets that are not varied."""
        return self.size or self.preset.size


def configured(config: Any, options: Mapping[str, Any], steps: float = 1.0) -> Any:
    """A configuration with dotted options set, and then every number of gradient steps scaled.

    Args:
        config: a (nested) frozen dataclass.
        options: for example ``{"global_metric.latent_dim": 2}``, see ``agents.training.config_json.with_option``.
        steps: factor on every entry called ``steps``, which stays at least 20.

    Raises:
        ConfigError: for an option the configuration has not, with the closest name.
    """
    for path, value in options.items():
        config = with_option(config, path, value)
    return config if steps == 1 else _shorten(config, steps)


def _shorten(config: Any, factor: float) -> Any:
    changed: dict[str, Any] = {}
    for entry in fields(config):
        value = getattr(config, entry.name)
        if is_dataclass(value):
            changed[entry.name] = _shorten(value, factor)
        elif entry.name == "steps":
            changed[entry.name] = max(20, round(value * factor))
    return replace(config, **changed)
