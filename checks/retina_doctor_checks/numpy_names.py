"""Names that NumPy had, and from which release on it has them no more."""

from __future__ import annotations

from .versions import release

_SINCE: dict[tuple[int, int], str] = {
    (1, 24): "bool bool8 complex float int long object str unicode",
    (2, 0): """Inf Infinity NAN NINF NZERO NaN PINF PZERO alltrue asfarray cast cfloat clongfloat complex_ cumproduct
        find_common_type float_ infty issctype issubsctype longcomplex longfloat mat msort obj2sctype product recfromcsv
        recfromtxt round_ sctypes singlecomplex sometrue source string_ unicode_""",
    (2, 4): "in1d trapz",
}
"""Release notes of 1.24, 2.0 and 2.4; held against numpy 1.23.5, 1.26.4, 2.0.2, 2.3.5 and 2.4.6 (dir(numpy))."""
GONE = {name: since for since, names in _SINCE.items() for name in names.split()}
INSTEAD = {
    **{name: name for name in ("int", "float", "bool", "object", "complex", "str")},
    "bool8": "np.bool_",
    "unicode": "str",
    "long": "int",
    "unicode_": "np.str_",
    "string_": "np.bytes_",
    "float_": "np.float64",
    "complex_": "np.complex128",
    "longfloat": "np.longdouble",
    "round_": "np.round",
    "Inf": "np.inf",
    "Infinity": "np.inf",
    "infty": "np.inf",
    "PINF": "np.inf",
    "NINF": "-np.inf",
    "NaN": "np.nan",
    "NAN": "np.nan",
    "product": "np.prod",
    "cumproduct": "np.cumprod",
    "sometrue": "np.any",
    "alltrue": "np.all",
    "asfarray": "np.asarray",
    "mat": "np.asmatrix",
    "in1d": "np.isin",
    "trapz": "np.trapezoid",
}
"""What the release notes name in their place."""
BACK_IN_2 = frozenset(("bool", "long"))
"""Names that NumPy 2.0 gave its own types (its release notes)."""


def is_gone(name: str, numpy: str) -> bool:
    """*name*: "int" of "np.int"; *numpy*: its version."""
    since, there = GONE.get(name), release(numpy)[:2]
    if since is None or there < since:
        return False
    return there < (2, 0) or name not in BACK_IN_2


def last_with(name: str) -> str:
    """What pip is told to have it again: "<1.24"."""
    return "<" + ".".join(map(str, GONE.get(name, (1, 24))))
