"""Spoken words from made-up tones: reading, splitting, standardising, and every way a recording can be wrong."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import wavfile

from alrnn_cli import store
from alrnn_cli.errors import InputError, UsageError
from alrnn_cli.rollout import rollout
from alrnn_cli.tasks.sound import recordings
from alrnn_cli.tasks.sound.mfcc import Mfcc
from alrnn_cli.tasks.speech import SpokenWords

from .test_stream import write_folder, write_tar

DIGITS = Path(__file__).resolve().parents[3] / "shared" / "data" / "speech" / "fsdd_subset.tar.gz"
RATE = 4000
TONES = {"low": 300, "mid": 800, "high": 1500}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALRNN_CACHE", str(tmp_path / "cache"))


def wav(wave: np.ndarray, rate: int = RATE) -> bytes:
    buffer = io.BytesIO()
    wavfile.write(buffer, rate, wave)
    return buffer.getvalue()


def words(speakers: int = 4, takes: int = 5) -> dict[str, bytes]:
    """Tones of 30 to 400 ms with noise, as int16; other folders and files beside."""
    rng = np.random.default_rng(0)
    files = {"set/README.md": b"x", "set/_background_noise_/hum.wav": wav(np.zeros(5000, np.int16))}
    for word, tone in TONES.items():
        for who in range(speakers):
            for take in range(takes):
                t = np.arange(rng.integers(120, 1600)) / RATE
                wave = 8000 * np.sin(2 * np.pi * tone * t) + rng.normal(0, 500, len(t))
                files[f"set/{word}/{word}_s{who}_{take}.wav"] = wav(wave.astype(np.int16))
    return files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "data", words())


def make(path: Path, **options: Any) -> SpokenWords:
    return SpokenWords({"words": "low+mid+high", "seconds": 0.3, **options}, data=str(path), say=lambda line: None)


def names(task: SpokenWords, which: str) -> list[str]:
    every = task._recordings().paths()
    return [every[i] for i in task._index(which)]


def test_features_are_each_recordings_own_standardised(folder: Path) -> None:
    task = make(folder)
    mfcc = Mfcc(RATE, 40, 40, 25.0, 10.0)
    assert (task.T, task.K, task.N, task.dt, task.dt_unit) == (28, 40, 3, 10.0, "ms")
    raw = {}
    for which in ("train", "validation", "test"):
        for name in names(task, which):
            _, wave = wavfile.read(folder / "set" / name)
            raw[name] = mfcc.frames(wave / 2**15)[:28]
    steps = np.concatenate([raw[name] for name in names(task, "train")]).astype(np.float64)
    for which in ("train", "validation", "test"):
        trials = task.split(which)
        assert trials.inputs.dtype == np.float32
        for row, name in enumerate(names(task, which)):
            n = len(raw[name])
            assert trials.lengths[row] == n
            wanted = (raw[name] - steps.mean(0)) / steps.std(0)
            np.testing.assert_allclose(trials.inputs[row, :n], wanted, rtol=1e-3, atol=1e-4)
            assert not trials.inputs[row, n:].any()
            assert task.output_names[trials.targets[row]] == name.split("/")[0]
        valid = np.arange(28) < trials.lengths[:, None]
        assert (trials.phases == np.where(valid, 0, -1)).all()
        assert (trials.mask == (np.arange(28) == trials.lengths[:, None] - 1)).all()
        np.testing.assert_array_equal(trials.conditions, trials.targets)
    assert (np.concatenate([task.split(w).lengths for w in ("train", "test")]) == 28).any()
    assert "longer ones cut" in task.describe_data()


def test_splits_by_recording_take_as_many_of_each_word(folder: Path) -> None:
    task = make(folder)
    parts = [names(task, which) for which in ("train", "validation", "test")]
    assert sorted(name for part in parts for name in part) == sorted(
        f"{w}/{w}_s{s}_{t}.wav" for w in TONES for s in range(4) for t in range(5)
    )
    for part, each in zip(parts, (16, 2, 2), strict=True):
        assert [sum(name.startswith(word) for name in part) for word in TONES] == [each] * 3
    other = SpokenWords({"words": "low+mid+high"}, data=str(folder), eval_seed=1)
    assert names(other, "test") != parts[2]
    same = SpokenWords({"words": "low+mid+high"}, data=str(folder), seed=1)
    assert names(same, "test") == parts[2]


def test_splits_by_speaker_share_none(folder: Path) -> None:
    task = make(folder, split="speaker")
    who = [{recordings.speaker_of(name) for name in names(task, w)} for w in ("train", "validation", "test")]
    assert [len(w) for w in who] == [2, 1, 1]
    assert set.union(*who) == {"s0", "s1", "s2", "s3"}
    assert len(task.split("test")) == 15


def test_the_publishers_lists_decide(tmp_path: Path) -> None:
    files = words()
    files["set/validation_list.txt"] = b"low/low_s0_0.wav\nmid/mid_s0_1.wav\nother/other.wav\n"
    files["set/testing_list.txt"] = b"high/high_s3_4.wav\nlow/low_s3_3.wav\nmid/mid_s3_3.wav\n"
    task = make(write_folder(tmp_path / "data", files))
    assert names(task, "validation") == ["low/low_s0_0.wav", "mid/mid_s0_1.wav"]
    assert names(task, "test") == ["high/high_s3_4.wav", "low/low_s3_3.wav", "mid/mid_s3_3.wav"]
    assert len(names(task, "train")) == 55
    assert "split by the publisher's lists: 55 train / 2 validation / 3 test" in task.describe_data()
    assert len(names(make(tmp_path / "data", split="recording"), "test")) == 6
    with pytest.raises(InputError, match="the validation split has no recordings"):
        make(write_folder(tmp_path / "empty", {**files, "set/validation_list.txt": b"other/other.wav\n"})).split(
            "train"
        )
    del files["set/testing_list.txt"]
    with pytest.raises(InputError, match=r"validation_list\.txt is there without the other"):
        make(write_folder(tmp_path / "one", files)).split("train")


def test_folder_and_tar_are_the_same_data(tmp_path: Path, folder: Path) -> None:
    files = words()
    tar = make(write_tar(tmp_path / "x.tar.gz", {f"./{k}": v for k, v in reversed(files.items())}))
    assert tar.fingerprint() == make(folder).fingerprint() == make(folder / "set").fingerprint()
    np.testing.assert_array_equal(tar.split("train").inputs, make(folder).split("train").inputs)
    assert make(folder, words="low+mid").fingerprint() != tar.fingerprint()
    assert tar.describe_data().startswith("60 recordings of 3 words, 4,000 samples per second; T = ")


def test_recordings_are_read_once_and_kept_for_the_same_features(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = make(folder).split("test").inputs
    monkeypatch.setattr(recordings, "read", lambda *_: pytest.fail("read again"))
    np.testing.assert_array_equal(make(folder, seconds=0.3).split("test").inputs, first)
    with pytest.raises(pytest.fail.Exception):
        make(folder, hop=5.0).split("test")


@pytest.mark.parametrize(
    ("name", "speaker"),
    [
        ("yes/0c40e715_nohash_1.wav", "0c40e715"),
        ("8/8_george_0.wav", "george"),
        ("a/anna_3.wav", "anna"),
        ("a/3.wav", None),
    ],
)
def test_speakers_from_names(name: str, speaker: str | None) -> None:
    assert recordings.speaker_of(name) == speaker


@pytest.mark.parametrize(
    ("dtype", "full"), [(np.uint8, 128), (np.int16, 2**15), (np.int32, 2**31), (np.float32, 1), (np.float64, 1)]
)
def test_samples_of_any_type_fill_minus_one_to_one(dtype: Any, full: int) -> None:
    wave = np.array([0.0, 0.5, -0.5, -1.0])
    raw = wave * full + (128 if dtype is np.uint8 else 0)
    rate, got = recordings.decode(wav(raw.astype(dtype), 12345), "x")
    assert rate == 12345
    np.testing.assert_array_equal(got, wave)


def test_channels_are_averaged() -> None:
    stereo = np.array([[100, 300], [-50, 50]], np.int16)
    np.testing.assert_array_equal(recordings.decode(wav(stereo), "x")[1] * 2**15, [200, 0])


GOOD = wav(np.arange(-500, 500, dtype=np.int16))
BAD = {
    "empty file": (b"", "not a readable WAV|damaged"),
    "text": (b"<html>not found</html>" * 20, "not a readable WAV"),
    "cut header": (GOOD[:30], "not a readable WAV|damaged"),
    "no samples": (wav(np.zeros(0, np.int16)), "no samples"),
    "not finite": (wav(np.array([0, np.nan, 1], np.float32)), "NaN or infinity"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_recordings_are_one_clear_error(tmp_path: Path, case: str) -> None:
    content, said = BAD[case]
    files = {**words(1, 3), "set/mid/mid_s0_9.wav": content}
    with pytest.raises(InputError, match=said) as caught:
        make(write_folder(tmp_path / "data", files)).split("train")
    assert "mid_s0_9.wav" in caught.value.message
    assert "\n" not in caught.value.message + caught.value.hint


def test_recordings_of_two_rates_are_refused(tmp_path: Path) -> None:
    files = {**words(1, 3), "set/mid/mid_s0_9.wav": wav(np.zeros(900, np.int16), 8000)}
    with pytest.raises(InputError, match=r"has 8000 samples per second, .* has 4000"):
        make(write_folder(tmp_path / "data", files)).split("train")


def test_words_that_are_not_there_are_named(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(
        UsageError, match=r"no recordings of yes, no in .*; there are _background_noise_, high, low, mid"
    ) as caught:
        make(folder, words="yes+low+no").split("train")
    assert "words=" in caught.value.hint
    with pytest.raises(InputError, match="no recordings <word>"):
        make(write_folder(tmp_path / "none", {"a/b.txt": b""})).split("train")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"words": "low"}, "two or more different words"),
        ({"words": "low+low"}, "two or more different words"),
        ({"words": "low+"}, "two or more different words"),
        ({"seconds": 0.02}, "longer than a trial of 0.02 s"),
    ],
)
def test_options_that_make_no_trial(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make(Path("nowhere"), **options)


def test_a_speaker_without_a_name(tmp_path: Path) -> None:
    files = {**words(), "set/mid/mumble.wav": GOOD}
    with pytest.raises(UsageError, match=r"mid/mumble\.wav does not name its speaker"):
        make(write_folder(tmp_path / "data", files), split="speaker").split("train")


def test_nothing_is_read_before_first_use(tmp_path: Path) -> None:
    task = SpokenWords(data=str(tmp_path / "nowhere"))
    assert (task.T, task.K, task.N, task.encoder) == (98, 40, 10, "conv1d-short")
    with pytest.raises(InputError, match="No such file"):
        task.split("train")


def test_training_tells_tones_apart_and_analysis_sees_what_training_saw(tmp_path: Path, folder: Path) -> None:
    from alrnn_cli.api import train

    out = tmp_path / "c.safetensors"
    train("speech", data=str(folder), task_options={"words": "low+mid+high", "seconds": 0.3}, out=out, M=8, P=2, batch=8,
          epochs=8.0, lr=1e-2, init="identity", threads=1, backend="reference")  # fmt: skip
    checkpoint = store.load_checkpoint(out)
    assert checkpoint.tensors["encoder.conv1.weight"].shape == (64, 40, 3)
    assert checkpoint.tensors["C"].shape == (8, 8)
    assert not np.array_equal(checkpoint.tensors["C"], np.eye(8))
    assert checkpoint.meta.metrics["test"]["accuracy"] > 0.8
    found = rollout(checkpoint)
    assert found.trajectories.s.shape == (6, 28, 8)
    assert found.trajectories.dt == 10
    assert found.score["cross_entropy"] == pytest.approx(checkpoint.meta.metrics["test"]["cross_entropy"], rel=1e-3)


def test_score_and_chance(folder: Path) -> None:
    task = make(folder)
    trials = task.split("test")
    assert task.score(50.0 * np.eye(3)[trials.targets], trials)["accuracy"] == 1
    assert task.score(np.zeros((6, 3)), trials)["cross_entropy"] == pytest.approx(math.log(3))
    assert task.chance == {"accuracy": pytest.approx(1 / 3), "cross_entropy": pytest.approx(math.log(3))}


def test_real_digits() -> None:
    if not DIGITS.is_file():
        pytest.skip(f"no recordings at {DIGITS}")
    task = SpokenWords({"words": "zero+one+two"}, data=str(DIGITS), say=lambda line: None)
    assert task.describe_data().startswith("180 recordings of 3 words, 8,000 samples per second; T = ")
    assert [len(task.split(w)) for w in ("train", "validation", "test")] == [144, 18, 18]
    assert {recordings.speaker_of(name) for name in task._recordings().paths()} >= {"george", "jackson"}
