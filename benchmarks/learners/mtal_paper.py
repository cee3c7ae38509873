"""The figures of Diao, Tarokh, Ding (arXiv 2110.13340), under the captions that are right.

Tables 1 and 4 have each other's captions in the paper: Table 1 is MovieLens 100K, Table 4 is
MovieLens 1M. Tables 8 (100K) and 3 (1M) are captioned right. Columns: RMSE user-Uniform,
user-Genre, item-Uniform, then MAP likewise; a Joint row has one value for both user partitions.
"""

from __future__ import annotations

COLUMNS = [
    ("explicit", "user", "uniform:8"),
    ("explicit", "user", "genre"),
    ("explicit", "item", "uniform:8"),
    ("implicit", "user", "uniform:8"),
    ("implicit", "user", "genre"),
    ("implicit", "item", "uniform:8"),
]

_JOINT = {
    "ml-100k": {
        "base": "1.020 1.040 0.744 0.623",
        "mf": "0.939 0.944 0.768 0.681",
        "mf_s": "0.912 0.911 0.784 0.696",
        "mlp": "0.937 0.921 0.775 0.694",
        "mlp_s": "0.922 0.919 0.771 0.698",
        "ncf": "0.937 0.913 0.777 0.693",
        "ncf_s": "0.912 0.913 0.774 0.693",
        "aae": "0.927 0.899 0.788 0.702",
        "aae_s": "0.926 0.898 0.792 0.705",
    },
    "ml-1m": {
        "base": "0.980 1.033 0.808 0.620",
        "mf": "0.915 0.914 0.831 0.653",
        "mf_s": "0.910 0.909 0.832 0.720",
        "mlp": "0.899 0.908 0.835 0.730",
        "mlp_s": "0.884 0.885 0.832 0.725",
        "ncf": "0.893 0.909 0.832 0.727",
        "ncf_s": "0.883 0.881 0.832 0.725",
        "aae": "0.881 0.873 0.842 0.735",
        "aae_s": "0.874 0.870 0.846 0.740",
    },
}

_ALONE = {
    "ml-100k": {
        "base": "1.020 1.011 1.040 0.744 0.748 0.624",
        "mf": "1.007 1.184 1.037 0.750 0.755 0.651",
        "mf_s": "0.986 0.971 0.975 0.756 0.770 0.668",
        "mlp": "0.980 0.970 0.980 0.744 0.768 0.669",
        "mlp_s": "0.974 0.960 0.978 0.747 0.768 0.670",
        "ncf": "0.981 0.974 0.980 0.747 0.769 0.670",
        "ncf_s": "0.972 0.960 0.977 0.751 0.768 0.669",
        "aae": "1.076 1.353 1.094 0.767 0.777 0.667",
        "aae_s": "1.041 1.174 1.057 0.767 0.780 0.679",
    },
    "ml-1m": {
        "base": "0.980 0.980 1.033 0.807 0.805 0.619",
        "mf": "0.949 1.060 0.935 0.809 0.809 0.657",
        "mf_s": "0.936 0.934 0.908 0.819 0.821 0.711",
        "mlp": "0.932 0.928 0.918 0.811 0.811 0.704",
        "mlp_s": "0.930 0.924 0.909 0.812 0.812 0.704",
        "ncf": "0.931 0.929 0.921 0.812 0.811 0.703",
        "ncf_s": "0.929 0.923 0.913 0.812 0.817 0.702",
        "aae": "0.967 1.159 0.893 0.833 0.824 0.731",
        "aae_s": "0.961 1.059 0.894 0.833 0.829 0.732",
    },
}

_MTAL = {
    "ml-100k": {
        "aae": "0.938 0.945 0.883 0.789 0.802 0.706",
        "aae_s": "0.940 0.950 0.884 0.789 0.801 0.706",
        "aae eta=.1": "0.939 0.954 0.885 0.783 0.791 0.703",
        "aae_s eta=.1": "0.941 0.956 0.886 0.781 0.791 0.703",
        "aae eta=.3": "0.938 0.949 0.883 0.787 0.801 0.706",
        "aae_s eta=.3": "0.940 0.951 0.884 0.789 0.800 0.706",
        "aae eta fitted": "0.951 0.955 0.894 0.783 0.802 0.702",
        "aae_s eta fitted": "0.955 0.960 0.895 0.786 0.801 0.701",
        "aae w fitted": "0.942 0.945 0.902 0.775 0.791 0.704",
        "aae_s w fitted": "0.946 0.950 0.905 0.782 0.791 0.703",
        "aae 50% aligned": "0.969 0.981 0.945 0.789 0.790 0.697",
        "aae_s 50% aligned": "0.973 0.987 0.949 0.775 0.790 0.698",
    },
    "ml-1m": {
        "aae": "0.878 0.893 0.834 0.847 0.845 0.745",
        "aae_s": "0.881 0.897 0.835 0.844 0.844 0.743",
        "aae eta=.1": "0.883 0.911 0.843 0.837 0.831 0.734",
        "aae_s eta=.1": "0.885 0.913 0.844 0.836 0.831 0.733",
        "aae eta=.3": "0.878 0.893 0.834 0.843 0.838 0.742",
        "aae_s eta=.3": "0.881 0.897 0.835 0.842 0.838 0.740",
        "aae eta fitted": "0.884 0.893 0.855 0.847 0.845 0.745",
        "aae_s eta fitted": "0.884 0.897 0.855 0.844 0.844 0.743",
        "aae w fitted": "0.886 0.907 0.843 0.837 0.831 0.734",
        "aae_s w fitted": "0.889 0.911 0.844 0.836 0.831 0.733",
        "aae 50% aligned": "0.912 0.940 0.858 0.837 0.834 0.734",
        "aae_s 50% aligned": "0.916 0.947 0.858 0.837 0.834 0.733",
    },
}


def published(data: str, row: str, feedback: str, align: str, partition: str) -> float | None:
    """The paper's figure of a cell, or None where it has none.

    Parameters
    ----------
    data : str
    row : str
        ``joint aae``, ``alone mf_s``, ``mtal aae eta=.1``, ``mtal aae`` for its headline.
    feedback, align, partition : str
    """
    mode, _, name = row.partition(" ")
    tables = {"joint": _JOINT, "alone": _ALONE, "mtal": _MTAL}
    line = tables[mode].get(data, {}).get(name) if mode in tables else None
    if line is None:
        return None
    numbers = [float(number) for number in line.split()]
    if mode == "joint":
        return numbers[2 * (feedback == "implicit") + (align == "item")]
    return numbers[COLUMNS.index((feedback, align, partition))]
