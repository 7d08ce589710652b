"""One file per model: `<name>.py` exposes `MODEL`, a ModelSpec of that name; `varai.learning.spec.specs` finds it."""
