"""Changes over a dict, which stays as it is until they are merged."""

from typing import Any

#: Stands for the value of a deleted key.
_DELETED: Any = object()


class Overlay:
    """Changes over a base dict, which stays as it is until `merge`. No value is None."""

    __slots__ = ("base", "changes")

    def __init__(self, base: dict[bytes, Any]) -> None:
        self.base = base
        self.changes: dict[bytes, Any] = {}

    def get(self, key: bytes, default: Any = None) -> Any:
        value = self.changes.get(key)
        if value is None:
            return self.base.get(key, default)
        return default if value is _DELETED else value

    def __getitem__(self, key: bytes) -> Any:
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: bytes, value: Any) -> None:
        self.changes[key] = value

    def __delitem__(self, key: bytes) -> None:
        if key not in self:
            raise KeyError(key)
        self.changes[key] = _DELETED

    def __len__(self) -> int:
        """An estimate, for `weight_bytes`: a key that was changed counts twice."""
        return len(self.base) + len(self.changes)

    def __contains__(self, key: bytes) -> bool:
        return self.get(key) is not None

    def merge(self) -> dict[bytes, Any]:
        """Applies the changes to the base dict and returns it."""
        for key, value in self.changes.items():
            if value is _DELETED:
                self.base.pop(key, None)
            else:
                self.base[key] = value
        return self.base
