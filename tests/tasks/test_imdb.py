"""Film reviews from a few made-up ones: words, vocabulary, splits, vectors, and training on them."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alrnn_cli import store
from alrnn_cli.errors import InputError, UsageError
from alrnn_cli.rollout import rollout
from alrnn_cli.tasks.imdb import FilmReviews
from alrnn_cli.tasks.text import glove, reviews

from .test_stream import write_folder, write_tar

IMDB = Path(__file__).resolve().parents[3] / "shared" / "data" / "imdb" / "aclImdb_v1.tar.xz"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALRNN_CACHE", str(tmp_path / "cache"))


def texts(n: int = 20, seed: int = 0) -> dict[str, bytes]:
    """n reviews of each half and label, of 0 to 9 words; "w0" is commoner than "w1" and so on; other files beside."""
    rng = np.random.default_rng(seed)
    files = {"aclImdb/README": b"x", "aclImdb/imdb.vocab": b"x", "aclImdb/train/unsup/0_0.txt": b"never never"}
    for half in ("train", "test"):
        for label, mood in (("neg", "Bad"), ("pos", "GOOD")):
            for i in range(n):
                words = [f"w{w}" for w in rng.geometric(0.3, rng.integers(0, 9)) - 1]
                body = " ".join(words[:3]) + "\n\t " + " ".join([*words[3:], mood] if i else [])
                files[f"aclImdb/{half}/{label}/{i}_7.txt"] = body.encode()
    return files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "data", texts())


def make(path: Path, **options: Any) -> FilmReviews:
    return FilmReviews(options, data=str(path), say=lambda line: None)


def read_back(task: FilmReviews, which: str) -> Counter[tuple[str, int]]:
    """The reviews of a split as text, with their label."""
    words = ["PADDING", "?", *task.words()]
    trials = task.split(which)
    rows = zip(trials.inputs[..., 0], trials.lengths, trials.targets, strict=True)
    return Counter((" ".join(words[i] for i in row[:length]), int(label)) for row, length, label in rows)


def test_reviews_come_back_as_they_were_written(folder: Path) -> None:
    task = make(folder, vocabulary=1000, tokens=50)
    for half, splits in (("train", ("train", "validation")), ("test", ("test",))):
        got = sum((read_back(task, which) for which in splits), Counter())
        known = set(task.words())
        wanted = Counter(
            (" ".join(w if w in known else "?" for w in body.decode().lower().split()) or "?", int("/pos/" in name))
            for name, body in texts().items()
            if f"/{half}/" in name and "/unsup/" not in name
        )
        assert got == wanted
    assert [len(task.split(which)) for which in ("train", "validation", "test")] == [36, 4, 40]


def test_arrays_are_what_trials_are(folder: Path) -> None:
    trials = make(folder, tokens=5).split("train")
    assert trials.inputs.shape == (36, 5, 1)
    assert trials.inputs.dtype == np.int32
    assert trials.targets.dtype == trials.lengths.dtype == np.int64
    assert (trials.lengths >= 1).all()
    valid = np.arange(5) < trials.lengths[:, None]
    assert ((trials.inputs[..., 0] == 0) == ~valid).all()
    assert (trials.phases == np.where(valid, 0, -1)).all()
    assert (trials.mask == (np.arange(5) == trials.lengths[:, None] - 1)).all()
    np.testing.assert_array_equal(trials.conditions, trials.targets)


def test_the_vocabulary_is_the_commonest_training_words(folder: Path) -> None:
    task = make(folder, vocabulary=4, tokens=1)
    every = make(folder, vocabulary=1000, tokens=50)
    counted = Counter(word for text, n in read_back(every, "train").items() for word in text[0].split() * n)
    del counted["?"]  # the review without words
    ranked = sorted(counted, key=lambda word: (-counted[word], word))
    assert every.words() == ranked
    assert task.words() == ranked[:4]
    assert {"?"} | set(ranked[:4]) >= {word for text, _ in read_back(task, "test") for word in text.split()}
    other = FilmReviews({"vocabulary": 1000}, data=str(folder), eval_seed=1)
    assert other.words() != every.words()


def test_folder_and_tar_are_the_same_data(tmp_path: Path, folder: Path) -> None:
    files = texts()
    tar = write_tar(tmp_path / "x.tar.xz", dict(reversed(files.items())), "w:xz")
    inner = make(folder / "aclImdb")
    for other in (make(tar), inner):
        assert other.fingerprint() == make(folder).fingerprint()
        np.testing.assert_array_equal(other.split("train").inputs, make(folder).split("train").inputs)
    files["aclImdb/test/pos/3_7.txt"] += b"!"
    assert make(write_tar(tmp_path / "y.tar", files)).fingerprint() != inner.fingerprint()


def test_reviews_are_read_once_and_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = make(folder).split("test").inputs
    monkeypatch.setattr(reviews, "read", lambda path: pytest.fail("read again"))
    np.testing.assert_array_equal(make(folder).split("test").inputs, first)
    monkeypatch.undo()


def test_splits_follow_eval_seed_and_limits(folder: Path) -> None:
    task = make(folder, train=5, validation=2, test=7)
    assert [len(task.split(w)) for w in ("train", "validation", "test")] == [5, 2, 7]
    assert set(make(folder, test=20).split("test").targets) == {0, 1}
    with pytest.raises(UsageError, match="there are 36 train reviews"):
        make(folder, train=37).split("train")


def vectors_file(path: Path, lines: list[str]) -> str:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def test_given_vectors_are_each_words_own(tmp_path: Path, folder: Path) -> None:
    file = vectors_file(tmp_path / "v.txt", ["good 1 2", "bad -1 0.5", "other 3 0.5", ". . 5 5"])
    task = make(folder, glove=file, vocabulary=50)
    tokens = task.tokens()
    assert (tokens.count, tokens.width) == (52, 2)
    index = {word: 2 + i for i, word in enumerate(task.words())}
    np.testing.assert_array_equal(tokens.vectors[[index["good"], index["bad"]]], [[1, 2], [-1, 0.5]])
    rest = [i for i in range(52) if i not in (index["good"], index["bad"])]
    np.testing.assert_allclose(tokens.vectors[rest], [[2, 2]] * 50)
    assert make(folder, vocabulary=50).tokens().vectors is None


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["good 1 2", "bad 1"], "line 2: expected a word and 2 numbers"),
        (["good 1 2", "bad x 2"], "line 2: expected a word and 2 numbers"),
        (["good 1 2", "bad nan 2"], "line 2"),
        (["good"], "line 1: expected a word and 1 numbers"),
        (["strange 1 2"], "has no word of the reviews"),
    ],
)
def test_bad_vectors_are_one_clear_error(tmp_path: Path, folder: Path, lines: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        make(folder, glove=vectors_file(tmp_path / "v.txt", lines)).tokens()


def test_vectors_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "empty").write_bytes(b"")
    for name, words in (("v", "not UTF-8"), ("empty", "no vectors"), ("nowhere", "cannot be read")):
        with pytest.raises(InputError, match=words):
            glove.read(tmp_path / name, ["a"])


def test_bad_reviews_are_one_clear_error(tmp_path: Path, folder: Path) -> None:
    (folder / "aclImdb/train/pos/1_7.txt").write_bytes(b"caf\xe9")
    with pytest.raises(InputError, match=r"train/pos/1_7\.txt: not UTF-8 \(byte 3\)"):
        make(folder).split("train")
    with pytest.raises(InputError, match="no reviews test/neg"):
        make(write_folder(tmp_path / "half", {k: v for k, v in texts().items() if "/test/neg/" not in k})).split(
            "train"
        )


def test_nothing_is_read_before_first_use(tmp_path: Path) -> None:
    task = make(tmp_path / "nowhere")
    assert (task.T, task.K, task.N, task.encoder, task.tokens().count) == (128, 1, 2, "token-mlp", 20_002)
    with pytest.raises(InputError, match="No such file"):
        task.split("train")


def test_description_score_and_chance(folder: Path) -> None:
    task = make(folder, tokens=4)
    assert task.describe_data().startswith("40 + 40 reviews, T = 1…4; ")
    assert task.describe_data().endswith("36 train / 4 validation / 40 test")
    trials = task.split("test")
    assert task.score(50.0 * np.eye(2)[trials.targets], trials)["accuracy"] == 1
    assert task.score(np.zeros((40, 2)), trials)["cross_entropy"] == pytest.approx(math.log(2))
    assert task.chance == {"accuracy": 0.5, "cross_entropy": pytest.approx(math.log(2))}


SMALL = {"M": 6, "P": 2, "batch": 9, "epochs": 12.0, "lr": 1e-2, "threads": 1, "backend": "reference"}


def train(out: Path, path: Path, options: dict[str, Any], **settings: Any) -> Any:
    from alrnn_cli.api import train

    train("imdb", data=str(path), task_options=options, out=out, overwrite=True, **{**SMALL, **settings})
    return store.load_checkpoint(out)


@pytest.mark.parametrize("given", [False, True])
def test_a_trained_model_goes_on_without_its_vectors_and_elsewhere(tmp_path: Path, folder: Path, given: bool) -> None:
    """The checkpoint has the vectors and C; a tar with the same reviews is as good as the folder."""
    file = tmp_path / "v.txt"
    options: dict[str, Any] = {"vocabulary": 30, "tokens": 9}
    if given:
        options["glove"] = vectors_file(file, ["good 1 2 0", "bad -1 0.5 0", "w0 0 0 1"])
    checkpoint = train(tmp_path / "c.safetensors", folder, options)
    np.testing.assert_array_equal(checkpoint.tensors["C"], np.eye(6))
    assert checkpoint.tensors["encoder.embedding"].shape == (32, 3 if given else 100)
    assert checkpoint.meta.metrics["test"]["accuracy"] > 0.9  # the last word tells
    if given:
        file.unlink()
    found = rollout(checkpoint, data=str(write_tar(tmp_path / "x.tar", texts())))
    assert not found.warnings
    assert found.trajectories.s.shape == (40, 9, 6)
    assert found.score["accuracy"] == checkpoint.meta.metrics["test"]["accuracy"]
    assert found.score["cross_entropy"] == pytest.approx(checkpoint.meta.metrics["test"]["cross_entropy"], rel=1e-4)


def test_reviews_with_another_vocabulary_are_refused(tmp_path: Path, folder: Path) -> None:
    checkpoint = train(tmp_path / "c.safetensors", folder, {"vocabulary": 30}, epochs=1.0)
    other = write_folder(tmp_path / "other", {k: v.replace(b"GOOD", b"fine") for k, v in texts().items()})
    with pytest.raises(InputError, match="the vocabulary"):
        rollout(checkpoint, data=str(other))


def test_members_train_together_as_they_would_alone(tmp_path: Path, folder: Path) -> None:
    from alrnn_cli import config
    from alrnn_cli.training.run import train, train_group

    runs, tasks = [], []
    for e in range(2):
        layers = [{"encoder": "token-mlp", "M": 6, "P": e, "batch": 9, "epochs": 2.0, "clip": 0.5, "seed": e}]
        options = FilmReviews.resolve_options({"vocabulary": 30, "tokens": 9})
        runs.append(config.resolve("imdb", options, layers, str(folder)))
        tasks.append(FilmReviews(options, data=str(folder), seed=e))
    outs = [tmp_path / f"{e}.safetensors" for e in range(2)]
    train_group(runs, tasks, outs, threads=1, backend="reference")
    for e in range(2):
        train(runs[e], tasks[e], tmp_path / "alone.safetensors", threads=1, backend="reference", overwrite=True)
        group, alone = store.load_checkpoint(outs[e]), store.load_checkpoint(tmp_path / "alone.safetensors")
        for name, value in alone.tensors.items():
            np.testing.assert_array_equal(group.tensors[name], value, err_msg=name)


def test_a_run_goes_on_exactly_where_it_stopped(tmp_path: Path, folder: Path) -> None:
    from alrnn_cli import config
    from alrnn_cli.training.run import train

    options = FilmReviews.resolve_options({"vocabulary": 30, "tokens": 9})
    run = config.resolve(
        "imdb", options, [{"encoder": "token-mlp", **{k: SMALL[k] for k in ("M", "P", "batch", "lr")}, "epochs": 3.0}]
    )
    task = FilmReviews(options, data=str(folder))
    a, b = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    train(run, task, a, threads=1, backend="reference")
    steps: list[Any] = []
    train(
        run,
        task,
        b,
        threads=1,
        backend="reference",
        on_step=steps.append,
        should_stop=lambda: "SIGINT" * (len(steps) == 5),
    )
    train(run, task, b, threads=1, backend="reference", resume=True)
    one, two = store.load_checkpoint(a), store.load_checkpoint(b)
    assert two.meta.status == "finished"
    for name, value in one.tensors.items():
        np.testing.assert_array_equal(two.tensors[name], value, err_msg=name)


@pytest.mark.slow
def test_real_reviews() -> None:
    if not IMDB.is_file():
        pytest.skip(f"no reviews at {IMDB}")
    task = make(IMDB)
    text = task.describe_data()
    assert text.startswith("25,000 + 25,000 reviews, T = ")
    assert text.endswith("22,500 train / 2,500 validation / 25,000 test")
    assert {"the", "and", "film", "movie"} <= set(task.words()[:50])
    assert task.split("test").targets.mean() == 0.5


def test_corpus_is_numbers_only(folder: Path) -> None:
    corpus = reviews.read(folder)
    assert all(isinstance(x, np.ndarray) and x.dtype.kind in "biu" for x in dataclasses.asdict(corpus).values())


def test_runs_with_other_vectors_do_not_train_together(tmp_path: Path, folder: Path) -> None:
    from alrnn_cli import config
    from alrnn_cli.training import stackable

    run = config.resolve("imdb", {}, [{"encoder": "token-mlp", "M": 6}], str(folder))
    file = vectors_file(tmp_path / "v.txt", ["good 1 2", "bad -1 0.5"])
    made = [make(folder), make(folder, vocabulary=30), make(folder, glove=file)]
    made += [FilmReviews({"glove": file}, data=str(folder), eval_seed=seed) for seed in (0, 1)]
    assert stackable.partition([run] * 5, made) == [[0], [1], [2, 3], [4]]
