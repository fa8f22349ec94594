"""Hashes of what every agent, reader and collector gives on fixed small data: `python tests/golden_hashes.py OUT.json`.

It runs at any commit since 7f8d828, so that two commits can be compared on one machine. Configurations are written with
the option names of 7f8d828; a later version reads them as it reads old saved agents. `--saved FOLDER` keeps one small
agent of every kind. Float bits differ between processors: this is a measuring tool and no test.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MPLBACKEND="Agg")
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, os.environ.get("GOLDEN_ROOT", str(ROOT)))

import numpy as np  # noqa: E402
import torch  # noqa: E402

torch.set_num_threads(1)

from agents import AGENTS, Plan2Vec, load_agent  # noqa: E402
from data_collection import Dataset, Episode, make_dataset, save_dataset  # noqa: E402


def config_of(cls, values, agent="plan2vec"):
    """A configuration from a dictionary with the names of 7f8d828."""
    try:
        from agents.base.old_names import config_from_record
    except ImportError:
        try:
            from agents.training.config_json import from_dict
        except ImportError:
            from agents.configs import from_dict
        return from_dict(cls, values)
    return config_from_record(cls, values, agent)


def digest(*arrays):
    """Hash of arrays with their dtypes and shapes."""
    found = hashlib.sha256()
    for array in arrays:
        array = np.ascontiguousarray(array)
        found.update(f"{array.dtype} {array.shape} ".encode() + array.tobytes())
    return found.hexdigest()[:16]


def images(seed=0, continuous=False, side=16, episodes=12, steps=6):
    """A bright square that moves over a dark image."""
    rng = np.random.default_rng(seed)
    moves = np.array([(2, 0), (-2, 0), (0, 2), (0, -2)])
    made = []
    for _ in range(episodes):
        row, column = rng.integers(0, side - 4, 2)
        frames, actions = [], []
        for step in range(steps + 1):
            frame = np.zeros((1, side, side), np.uint8)
            frame[0, row : row + 4, column : column + 4] = 255
            frames.append(frame)
            if step == steps:
                break
            action = rng.uniform(-1, 1, 2).astype(np.float32) if continuous else np.int64(rng.integers(4))
            move = (2 * action).round().astype(int) if continuous else moves[action]
            row, column = np.clip((row + move[0], column + move[1]), 0, side - 4)
            actions.append(action)
        made.append(Episode(np.stack(frames), np.array(actions)))
    return Dataset.from_episodes(made, num_actions=None if continuous else 4)


def vectors(continuous=False, seed=1):
    """Random walks on a plane; one of them is carried off now and then."""
    rng = np.random.default_rng(seed)
    moves = np.array([(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)], np.float32)
    made = []
    for _ in range(24):
        point, points, actions = rng.uniform(0, 5, 2).astype(np.float32), [], []
        for step in range(9):
            points.append(point)
            if step == 8:
                break
            action = rng.uniform(-1, 1, 2).astype(np.float32) if continuous else np.int64(rng.integers(4))
            point = np.clip(point + (action if continuous else moves[action]), 0, 5).astype(np.float32)
            if rng.random() < 0.03:
                point = rng.uniform(0, 5, 2).astype(np.float32)
            actions.append(action)
        made.append(Episode(np.stack(points), np.array(actions)))
    return Dataset.from_episodes(made, num_actions=None if continuous else 4)


def shorten(values, steps=20):
    """Every number of gradient steps cut."""
    if isinstance(values, dict):
        return {k: (min(v, steps) if k == "steps" else shorten(v, steps)) for k, v in values.items()}
    return values


def patched(values, patch):
    """A copy with dotted entries set."""
    values = copy.deepcopy(values)
    for path, value in patch.items():
        at = values
        *names, last = path.split(".")
        for name in names:
            at = at[name]
        assert last in at, (path, sorted(at))
        at[last] = value
    return values


def variants():
    """(name, agent, dataset, patches with the names of 7f8d828)."""
    shots = {"images": images(), "images-box": images(continuous=True), "vectors": vectors(), "box": vectors(True)}
    for agent in sorted(AGENTS):
        for name, dataset in shots.items():
            if agent == "dqn" and dataset.num_actions is None:
                continue
            yield f"{agent}/{name}", agent, dataset, {}
    small = {"graph.max_vertices": 60}
    for name, patch in {
        "anchored": {"embedding": "anchored"},
        "lp": {"global_metric.head": "lp", "global_metric.p": 1.2},
        "squared": {"global_metric.head": "squared-l2", "global_metric.unit": None},
        "iqe": {"global_metric.head": "iqe", "global_metric.iqe.size": 2},
        "printed": {"global_metric.algorithm": "printed"},
        "printed-a-star": {"global_metric.algorithm": "printed", "global_metric.printed.search": "a_star"},
        "printed-greedy": {"global_metric.algorithm": "printed", "global_metric.printed.search": "greedy"},
        "value-iteration": {"global_metric.algorithm": "value_iteration", "global_metric.loss": "absolute"},
        "smooth-l1": {"local_metric.negatives": "smooth_l1", "local_metric.reach": 2},
        "nce": {"local_metric.negatives": "nce", "local_metric.temperature": 0.5},
        "spread": {"graph.vertices": "spread", "graph.max_vertices": 40, "graph.pool": 70},
        "local-weights": {"graph.recorded_weight": "local", "graph.both_ways": True, "graph.max_degree": 5},
        "wormholes": {
            "graph.wormholes.mutual": 5,
            "graph.wormholes.agreement": 1.2,
            "graph.wormholes.support": 0.6,
            "graph.wormholes.consistent": 2,
            "graph.wormholes.slack": 0.5,
            "graph.wormholes.penalty": 2.0,
        },
        "awkward": {"local_metric.pauses": 0.25, "local_metric.jumps": 3.0, "graph.jumps": 3.0},
        "resnet": {"global_metric.trunk": "resnet18", "global_metric.steps": 3, **small},
        "keypoints": {"global_metric.trunk": "keypoints"},
        "cnn": {"global_metric.trunk": "cnn", "local_metric.trunk": "coord_cnn"},
        "memory": {"memory.capacity": 3, "memory.radius": 5.0},
    }.items():
        dataset = shots["vectors"] if name == "awkward" else shots["images"]
        yield f"plan2vec+{name}", "plan2vec", dataset, patch
    yield (
        "plan2vec+paper-conv",
        "plan2vec",
        images(side=64, episodes=6),
        {
            "global_metric.trunk": "paper_conv",
            "global_metric.steps": 2,
            "global_metric.batch_sources": 4,
            "global_metric.batch_frames": 8,
            "graph.max_vertices": 30,
        },
    )
    yield "plan2vec+grey", "plan2vec", images(), {"local_metric.trunk": "grey_levels"}
    for name, patch in {
        "forward": {"control": "forward"},
        "forward-metric": {"control": "forward", "foresight.guide": "metric"},
        "support": {"control": "forward", "foresight.support": 30.0, "foresight.moves": 50},
        "auto": {"control": "auto"},
        "ring": {"waypoint": "ring", "ring": 3.0, "foresight.guide": "metric", "memory.revisit": 0.3},
        "anchored": {"embedding": "anchored", "hops": 2},
    }.items():
        for data in ("images", "box"):
            yield f"plan2vec-waypoints+{name}/{data}", "plan2vec-waypoints", shots[data], patch
    for name in ("classified", "network"):
        yield f"plan2vec-places+{name}", "plan2vec-places", shots["images"], {"embedding": name}
    yield "plan2vec-places+one-way", "plan2vec-places", shots["images"], {"graph.both_ways": False}
    yield (
        "sptm+thinned",
        "sptm",
        images(steps=14),
        {
            "graph.temporal_subsampling": 2,
            "graph.shortcut_window": 1,
            "graph.min_temporal_gap": 2,
        },
    )
    yield (
        "sptm-1-step-pair+large",
        "sptm-1-step-pair",
        images(side=32, episodes=4),
        {
            "pair_metric.network": "rope_streetlearn",
            "pair_metric.steps": 3,
        },
    )
    yield "vae+deconvolution", "vae", shots["images"], {"vae.decoder": "deconvolution", "vae.latent_dim": 8}


def of_agent(agent, dataset):
    """Everything that an agent gives."""
    with tempfile.TemporaryDirectory() as folder:
        agent.save(folder)
        weights = (Path(folder) / "weights.safetensors").read_bytes()
        loaded = load_agent(folder)
        from safetensors.numpy import load

        arrays = load(weights)
    found = {
        "weights": digest(
            *(np.frombuffer(n.encode(), np.uint8) if i == 0 else arrays[n] for n in sorted(arrays) for i in (0, 1))
        )
    }
    frames = np.array(dataset.observations)
    count = len(frames) // 2
    here, there = frames[:count], frames[count : 2 * count]
    if agent.name != "random":
        found["distance"] = digest(agent.distance(here, there))
        found["loaded"] = digest(loaded.distance(here, there))
    if hasattr(agent, "embed"):
        found["latents"] = digest(agent.embed(frames))
    for name in ("memoryless", "memory"):
        memory = agent.new_memory(5) if name == "memory" else None
        actions = [
            agent.act(
                frames[i : i + 5],
                frames[(np.arange(5) + i + 20) % len(frames)],
                memory=memory,
                rng=np.random.default_rng(i),
            )
            for i in (0, 0, 1, 1, 2, 3, 3, 3, 4, 5, 6, 6)
        ]
        found[name] = digest(np.stack(actions))
    if hasattr(agent, "plan"):
        plan = agent.plan(frames[0], frames[-1])
        found["plan"] = digest(plan.vertices, np.array([plan.cost]))
    if hasattr(agent, "next_waypoints"):
        found["waypoints"] = digest(*agent.next_waypoints(frames[:5], frames[20:25], memory=agent.new_memory(5)))
    found["figures"] = digest(*(np.array([e.figures[k]]) for e in agent.fit_log for k in sorted(e.figures)))
    return found


def agents():
    found = {}
    for name, kind, dataset, patch in variants():
        cls = AGENTS[kind]
        old = OLD[kind]
        agent = cls(config_of(type(cls().config), shorten(patched(old, patch)), kind)) if old else cls()
        found[name] = of_agent(agent.fit(dataset, seed=3, progress=False), dataset)
        print(name, flush=True)
    agent = Plan2Vec(config_of(type(Plan2Vec().config), shorten(OLD["plan2vec"]))).fit(images(), seed=3, progress=False)
    flat = agent.with_latent_dim(2, images(), progress=False)
    found["plan2vec map"] = {"latents": digest(flat.embed(np.array(images().observations)))}
    return found


def narrow(values):
    """Every width cut, for files of kilobytes."""
    if isinstance(values, dict):
        return {k: (8 if k == "hidden" else narrow(v)) for k, v in values.items()}
    return values


SAVED = {
    "plan2vec": {},
    "plan2vec-images": {},
    "vae-images": {},
    "plan2vec-anchored": {"embedding": "anchored"},
    "plan2vec-lp": {"global_metric.head": "lp", "global_metric.p": 1.2},
    "plan2vec-iqe": {"global_metric.head": "iqe", "global_metric.iqe.size": 2},
    "plan2vec-printed": {"global_metric.algorithm": "printed"},
    "plan2vec-places": {},
    "plan2vec-places-network": {"embedding": "network"},
    "plan2vec-places-classified": {"embedding": "classified"},
    "plan2vec-waypoints": {},
    "plan2vec-waypoints-ring": {"waypoint": "ring", "ring": 3.0, "foresight.guide": "metric"},
    "plan2vec-waypoints-auto": {"control": "auto", "foresight.support": 30.0, "foresight.moves": 50},
    "sptm": {"graph.temporal_subsampling": 2},
    "sptm-1-step": {},
    "sptm-1-step-pair": {},
    "vae": {},
    "dqn": {},
    "qrl": {},
    "contrastive": {},
    "random": {},
    "random-network": {},
}


def save_small(folder):
    """One small agent of every kind and of most variants, and what it answers: `expected.json`."""
    expected = {}
    for name, patch in SAVED.items():
        kind = max((k for k in AGENTS if name.startswith(k)), key=len)
        cls = AGENTS[kind]
        old = OLD[kind]
        if kind == "dqn":
            patch = {"steps": 20}
        config = narrow(shorten(patched(old, {k: v for k, v in patch.items()})))
        agent = cls(config_of(type(cls().config), config, kind)) if old else cls()
        dataset = images() if name.endswith("images") else vectors()
        dataset = dataset.take_episodes(np.arange(8))
        agent.fit(dataset, seed=3, progress=False)
        agent.save(Path(folder) / name)
        frames = np.array(dataset.observations)[:20]
        np.save(Path(folder) / ("images.npy" if dataset.is_image else "vectors.npy"), frames)
        rng = np.random.default_rng(0)
        expected[name] = {
            "data": "images" if dataset.is_image else "vectors",
            "distance": None if kind == "random" else agent.distance(frames[:9], frames[9:18]).round(5).tolist(),
            "actions": agent.act(frames[:9], frames[9:18], rng=rng).tolist(),
        }
    (Path(folder) / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


def collected():
    """Datasets of every room, of drives and ropes, by their fingerprints."""
    from data_collection import collect_drives, collect_rope

    os.environ["PLAN2VEC_CACHE"] = tempfile.mkdtemp()
    found = {}
    for room in ("Open", "Table", "CMaze", "FourRooms", "HMaze"):
        for kind in ("image", "state"):
            data = make_dataset(f"Plan2vec/{room}-v0", size="20x10", seed=2, obs_type=kind, progress=False)
            found[f"{room} {kind}"] = data.fingerprint
    from plan2vec_envs.image_graph import Views, get_world
    from plan2vec_envs.image_graph.street_view.cache import cached_views

    world = get_world("city-60")
    found["drives"] = collect_drives(
        world,
        Views.drawn(cached_views(world, np.arange(2), folder=tempfile.mkdtemp(), progress=False)),
        passes=2,
        coverage=2,
        seed=1,
    ).fingerprint
    found["rope"] = collect_rope(sequences=2, steps=20, seed=1, progress=False).fingerprint
    return found


def readers():
    """`plan2vec import` of small files of every format."""
    import cv2
    import h5py
    from PIL import Image

    folder = Path(tempfile.mkdtemp())
    rng = np.random.default_rng(0)
    states = np.cumsum(rng.normal(size=(40, 3)), 0).astype(np.float32)
    ends = np.zeros(40, bool)
    ends[[9, 24, 39]] = True
    flat = {"observations": states, "actions": rng.normal(size=(40, 2)).astype(np.float32), "terminals": ends}
    np.savez(folder / "flat.npz", **flat)
    pictures = rng.integers(0, 256, (40, 8, 8, 3), np.uint8)
    np.savez(folder / "pictures.npz", **{**flat, "observations": pictures, "actions": rng.integers(0, 3, 40)})
    with h5py.File(folder / "flat.hdf5", "w") as file:
        for name, array in {**flat, "timeouts": np.roll(ends, 3)}.items():
            file[name] = array
    for number in range(2):
        (folder / "folders" / f"run_{number}").mkdir(parents=True)
        for step in range(6):
            Image.fromarray(pictures[6 * number + step]).save(folder / "folders" / f"run_{number}" / f"{step}.png")
    for number in range(2):
        run = folder / "rope" / f"run_{number:02d}"
        run.mkdir(parents=True)
        for step in range(6):
            (run / f"img_{step:04d}.jpg").write_bytes(
                cv2.imencode(".jpg", np.full((64, 64, 3), 20 * step + 5, np.uint8))[1].tobytes()
            )
        np.save(run / "actions.npy", rng.normal(size=(6, 5)).round(0).clip(0, 1))
    array = np.empty(3, object)
    for i, length in enumerate((4, 2, 7)):
        array[i] = rng.integers(0, 256, (length, 64, 64, 1)).astype(np.uint8)
    np.save(folder / "new_rope.npy", array, allow_pickle=True)
    save_dataset(images(), folder / "ours.npz")
    from data_collection.sources import write_minari

    write_minari(vectors(), folder / "minari-v0")
    found = {}
    for name, *options in (
        ["flat.npz"],
        ["flat.npz", "--oracle", "terminals"],
        ["flat.npz", "--drop-pauses", "--max-jump", "2"],
        ["pictures.npz"],
        ["flat.hdf5"],
        ["folders"],
        ["folders", "--grey", "--size", "4"],
        ["rope"],
        ["new_rope.npy", "--allow-objects"],
        ["minari-v0"],
    ):
        out = folder / "out.npz"
        out.unlink(missing_ok=True)
        done = subprocess.run(
            [sys.executable, "-m", "evaluation.cli", "import", name, "--out", "out.npz", *options],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": sys.path[0], "COLUMNS": "200"},
            capture_output=True,
            text=True,
        )
        text = done.stdout + done.stderr
        arrays = {}
        if out.is_file():
            with np.load(io.BytesIO(out.read_bytes()), allow_pickle=False) as file:
                arrays = {k: file[k] for k in file.files if file[k].dtype.kind not in "US" and "manifest" not in k}
        found[" ".join([name, *options])] = {
            "arrays": digest(*(arrays[k] for k in sorted(arrays))),
            "says": text[:400],
            "rc": done.returncode,
        }
    return found


def environments():
    """120 random steps of every environment."""
    import gymnasium as gym

    import plan2vec_envs  # noqa: F401

    found = {}
    for name in ("Open", "Table", "CMaze", "FourRooms", "HMaze", "Rope", "RopeOffline", "StreetLearn"):
        env = gym.make(f"Plan2vec/{name}-v0")
        observation, _ = env.reset(seed=7)
        env.action_space.seed(7)
        parts, rewards = [observation["observation"], observation["desired_goal"]], []
        for _ in range(120):
            observation, reward, terminated, truncated, _ = env.step(env.action_space.sample())
            parts.append(observation["observation"])
            rewards.append(reward)
            if terminated or truncated:
                observation, _ = env.reset()
                parts.append(observation["desired_goal"])
        found[name] = digest(*parts, np.array(rewards))
        env.close()
    for name in ("CMaze", "HMaze"):
        envs = gym.make_vec(f"Plan2vec/{name}-v0", num_envs=5)
        observation, _ = envs.reset(seed=7)
        rng = np.random.default_rng(0)
        parts = [observation["observation"]]
        for _ in range(120):
            observation, reward, *_ = envs.step(rng.integers(8, size=5))
            parts += [observation["observation"], observation["desired_goal"], reward]
        found[f"{name} x 5"] = digest(*parts)
        envs.close()
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--saved")
    parser.add_argument("--configs", type=Path, default=Path("/tmp/golden/configs.json"))
    asked = parser.parse_args()
    global OLD
    if asked.configs.is_file():
        OLD = json.loads(asked.configs.read_text())
    else:
        OLD = {name: asdict(cls().config) for name, cls in AGENTS.items()}
        asked.configs.write_text(json.dumps(OLD, indent=1))
    if asked.saved:
        save_small(asked.saved)
        return
    found = {"environments": environments(), "collected": collected(), "readers": readers(), "agents": agents()}
    asked.out.write_text(json.dumps(found, indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
