"""Read a YAML file that somebody wrote by hand."""

import reprlib
from pathlib import Path

import yaml


def read_mapping(path, keys=()):
    """The mapping that a YAML file holds.

    Parameters
    ----------
    path : str or pathlib.Path
    keys : iterable of str
        What the file should hold; said where it holds no mapping.

    Returns
    -------
    content : dict
        As YAML 1.1 reads it, in which ``1e-3`` is a text for want of a point.

    Raises
    ------
    ValueError
        If the file is missing, is not YAML, repeats a key or holds no mapping; the
        message names it.
    """
    try:
        content = yaml.load(Path(path).read_text("utf-8"), Loader=_UniqueKeyLoader)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, ValueError) as error:
        # ValueError: bytes that are no UTF-8, or a date such as 2020-13-01.
        raise ValueError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(content, dict):
        hint = f" with the keys {', '.join(keys)}" if keys else ", as 'key: value'"
        raise ValueError(
            f"{path} holds {type(content).__name__} ({reprlib.repr(content)}); write a "
            f"mapping{hint}."
        )
    return content


class _UniqueKeyLoader(yaml.SafeLoader):
    """SafeLoader that refuses a repeated key, of which YAML would keep the last."""

    def compose_mapping_node(self, anchor):
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if (key.tag, key.value) in seen:
                raise yaml.composer.ComposerError(
                    None, None, f"key {key.value!r} is repeated", key.start_mark
                )
            seen.add((key.tag, key.value))
        return node
