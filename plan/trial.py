"""A trial: a configuration made small, so that all of it can be seen to run before the days that the whole takes."""

from math import ceil

from colorize.settings import TrainSettings

WHOLE = ("whole", "source")  # lengths of a clip that are no number of frames


def made_small(config: dict) -> dict:
    """A configuration with its `trial` carried out: of each selection that many files, the first of its draw, short
    clips and short trainings. The same where it has none.
    """
    trial = config["trial"]
    if trial is None:
        return config
    small = {"clips": config["clips"] | {"length": _at_most(config["clips"]["length"], trial.get("frames"))}}
    small["images"] = config["images"]
    for kind in small:
        sets = {split: _small_set(own, trial) for split, own in config[kind]["sets"].items()}
        small[kind] = small[kind] | {"sets": sets}
    trainings = {name: _small_training(own, trial) for name, own in config["training"].items()}
    return config | small | {"training": trainings}


def _at_most(value: int, most: int | None) -> int:
    return value if most is None else min(value, most)


def _small_set(items: dict, trial: dict) -> dict:
    small = dict(items)
    if own := items.get("rendered"):
        small["rendered"] = own | {"count": min(own["count"], trial["items"])}
    if "from" in items:
        small["from"] = [_small_selection(one, trial) for one in items["from"]]
    return small


def _small_selection(selection: dict, trial: dict) -> dict:
    """What of a dataset is taken in a trial. So few files need no reserve: all of them that are fit are kept."""
    small = {key: value for key, value in selection.items() if key not in ("count", "reserve")}
    small["trial"] = trial["items"]
    if (most := trial.get("frames")) is None or "length" not in selection:
        return small
    length = selection["length"]
    return small | ({"most": most} if length in WHOLE else {"length": min(length, most)})


def _small_training(own: dict, trial: dict) -> dict:
    """A training as short as is wanted, on batches of no more pairs than the sets have items, or than one for each of
    its processes."""
    small = own | _short_sequences(own, trial.get("frames"))
    if (wanted := trial.get("steps")) is None:
        return small
    whole, processes = _setting(own, "steps"), _setting(own, "processes") * _setting(own, "nodes")
    batch = ceil(trial["items"] / processes) * processes  # which they share equally
    a_batch = (_setting(small, "sequence") - 1) // (_setting(small, "unroll") - 1)
    steps = max(a_batch, min(whole, wanted) // a_batch * a_batch)
    small |= {"steps": steps, "batch": min(batch, _setting(own, "batch"))}
    if "adversarial_from" in own:
        small["adversarial_from"] = own["adversarial_from"] * steps // whole
    for key, most in (("validate_every", steps), ("validation_pairs", trial["items"])):
        if key in own:
            small[key] = min(own[key], most)
    return small


def _short_sequences(own: dict, frames: int | None) -> dict:
    """Sequences that clips of so many frames have, in as many whole parts as the gradient flows through."""
    if frames is None or _setting(own, "sequence") <= frames:
        return {}
    unroll = min(_setting(own, "unroll"), frames)
    return {"sequence": 1 + (frames - 1) // (unroll - 1) * (unroll - 1), "unroll": unroll}


def _setting(training: dict, key: str):
    return training.get(key, TrainSettings.model_fields[key].default)
