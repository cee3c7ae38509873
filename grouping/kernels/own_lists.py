"""Each user's own top-k list, and the columns' sums or minima, in one pass over the ratings.

The pass over a dense matrix is bound by memory, so all that needs every rating is done in it:
block maxima (from which the lists are found), the check that ratings are finite, the range, and
what the last group of GRD needs of the columns. Non-negative floats keep their order when their
bits are read as integers; LLVM turns the maxima of integers into vector code, those of floats not.
Four rows are taken together so that a column's accumulator is touched once for the four.

Reductions run over chunks of rows whose bounds depend on the input's shape alone, and the chunks'
results are added in order: the same bits come out on any number of threads.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from grouping.kernels.jit import kernel

NO_COLUMNS, COLUMN_SUMS, COLUMN_MINIMA = 0, 1, 2

BLOCK = 128
SUB = 16
NARROW, WIDE = 16, 128
SHORT = 512
SMALL, MOST_NARROW = 256, 1 << 15  # so many times so much is exact in float32
ROWS = 4
LARGEST = np.iinfo(np.int64).max
STRETCH = 4096


@kernel()
def _insert(items, keys, base, filled, k, key, column):
    """Insert into `keys[base:k]`, descending, equal keys in order of arrival; count the filled."""
    at = filled if filled < k else k - 1
    while at > base and keys[at - 1] < key:
        keys[at] = keys[at - 1]
        items[at] = items[at - 1]
        at -= 1
    keys[at] = key
    items[at] = column
    return min(filled + 1, k)


@kernel()
def _select(row, maxima, k, items, keys, highest):
    """Find the k largest of a row by its block maxima; equal ones by ascending column.

    The k-th largest block maximum is a floor: at least k entries reach it, so that a block whose
    maximum does not cannot hold one of the k largest.
    """
    m = row.shape[0]
    blocks = maxima.shape[0]
    floor = np.int64(row[0])
    bounded = blocks >= k
    if bounded:
        found = 0
        for b in range(blocks):
            value = maxima[b]
            if found < k or value > highest[k - 1]:
                at = found if found < k else k - 1
                found = min(found + 1, k)
                while at > 0 and highest[at - 1] < value:
                    highest[at] = highest[at - 1]
                    at -= 1
                highest[at] = value
        floor = np.int64(highest[k - 1])
    filled = 0
    for b in range(blocks):
        if bounded and maxima[b] < floor:
            continue
        start = b * BLOCK
        stop = min(m, start + BLOCK)
        while start < stop:
            end = min(stop, start + SUB)
            if bounded and end - start == SUB:
                largest = row[start]
                for j in range(SUB):
                    largest = max(largest, row[np.uint64(start) + np.uint64(j)])
                if largest < floor:
                    start = end
                    continue
            for j in range(start, end):
                key = row[j]
                if not bounded or key >= floor:
                    filled = _insert(items, keys, 0, filled, k, key, j)
                    if filled == k:
                        # a later entry must be larger to enter: equal ones stand further right
                        bounded = True
                        if keys[k - 1] == LARGEST:
                            return
                        floor = np.int64(keys[k - 1]) + 1
            start = end


def _row_top_in(lanes):
    """Make a search for the k largest of keys[start:stop], at least `lanes` and k entries.

    Their positions come by key descending, equal ones from the left; the largest and smallest
    key of all are returned. The entries are dealt out to lanes, whose maxima vector code finds;
    the k-th largest of these is a floor, since at least k entries reach it. `reached` has room
    for one more than all entries.
    """

    @kernel()
    def row_top(keys, start, stop, k, positions, found, highest, tops, bottoms, reached):
        for j in range(lanes):
            tops[j] = keys[np.uint64(start) + np.uint64(j)]
            bottoms[j] = tops[j]
        at = start + lanes
        while at + lanes <= stop:
            for j in range(lanes):
                key = keys[np.uint64(at) + np.uint64(j)]
                tops[j] = max(tops[j], key)
                bottoms[j] = min(bottoms[j], key)
            at += lanes
        for p in range(at, stop):
            tops[p - at] = max(tops[p - at], keys[p])
            bottoms[p - at] = min(bottoms[p - at], keys[p])
        largest = tops[0]
        smallest = bottoms[0]
        for j in range(lanes):
            largest = max(largest, tops[j])
            smallest = min(smallest, bottoms[j])
        floor = np.int64(smallest)
        if k <= lanes:
            for p in range(k):
                highest[p] = smallest
            for j in range(lanes):
                key = tops[j]
                if key > highest[k - 1]:
                    for p in range(k):  # insertion without a branch to mispredict
                        above = highest[p]
                        highest[p] = max(above, key)
                        key = min(above, key)
            floor = np.int64(highest[k - 1])
        count = 0
        for q in range(np.uint64(start), np.uint64(stop)):  # without a branch to mispredict
            reached[count] = q
            count += np.int64(keys[q] >= floor)
        filled = 0
        for t in range(count):
            key = keys[reached[t]]
            if filled < k or key > found[k - 1]:
                filled = _insert(positions, found, 0, filled, k, key, reached[t])
            elif found[k - 1] == largest:  # equal ones stand further right
                break
        return largest, smallest

    return row_top


_row_top = _row_top_in(NARROW)
_row_top_wide = _row_top_in(WIDE)


@kernel()
def _select_sorted(row, k, items, keys):
    """Find the k largest of a row by sorting it: for lists nearly as long as the row."""
    m = row.shape[0]
    negated = np.empty(m, np.int64)
    for j in range(m):
        negated[j] = -np.int64(row[j])
    order = np.argsort(negated, kind="mergesort")
    for p in range(k):
        items[p] = order[p]
        keys[p] = row[order[p]]


@kernel()
def _select_values(row, k, items, scores):
    """Find the k largest of a row of any finite floats; False where one is not finite."""
    filled = 0
    for j in range(row.shape[0]):
        value = np.float64(row[j])
        if not np.isfinite(value):
            return False
        if filled < k or value > scores[k - 1]:
            filled = _insert(items, scores, 0, filled, k, value + 0.0, j)
    return True


@kernel()
def _extrema(matrix, row, start, stop):
    """Largest and smallest of a stretch of a row."""
    largest = matrix[row, start]
    smallest = largest
    if stop - start == BLOCK:  # a loop of known length becomes straight vector code
        for j in range(BLOCK):
            value = matrix[row, np.uint64(start) + np.uint64(j)]
            largest = max(largest, value)
            smallest = min(smallest, value)
    else:
        for j in range(start, stop):
            largest = max(largest, matrix[row, j])
            smallest = min(smallest, matrix[row, j])
    return largest, smallest


@kernel()
def _add_columns(values, row, rows, start, stop, sums):
    """Add `rows` (4 or 1) rows to the column sums, in a fixed order."""
    if rows == ROWS:
        for j in range(np.uint64(start), np.uint64(stop)):
            sums[j] += (np.float64(values[row, j]) + np.float64(values[row + 1, j])) + (
                np.float64(values[row + 2, j]) + np.float64(values[row + 3, j])
            )
    else:
        for j in range(np.uint64(start), np.uint64(stop)):
            sums[j] += np.float64(values[row, j])


@kernel()
def _lower_columns(values, row, rows, start, stop, minima):
    """Lower the column minima by `rows` (4 or 1) rows."""
    if rows == ROWS:
        for j in range(np.uint64(start), np.uint64(stop)):
            a = min(values[row, j], values[row + 1, j])
            b = min(values[row + 2, j], values[row + 3, j])
            minima[j] = min(minima[j], min(a, b))
    else:
        for j in range(np.uint64(start), np.uint64(stop)):
            minima[j] = min(minima[j], values[row, j])


@kernel()
def _dense_chunk(
    keys, values, limit, k, columns, first, end, items, scores, part_sums, part_minima
):
    """Do `dense_own_lists` for the rows from `first` to `end`."""
    n, m = keys.shape
    blocks = (m + BLOCK - 1) // BLOCK
    by_sorting = k * k > 16 * m
    # by lanes where there are too few blocks to choose from
    wide = not by_sorting and NARROW < k <= WIDE <= m and (m <= SHORT or blocks < k)
    narrow = not by_sorting and not wide and NARROW <= m <= SHORT
    low_key = np.iinfo(np.int64).max
    low, high = np.inf, -np.inf
    bad = n
    maxima = np.empty((ROWS, blocks), keys.dtype)
    highest = np.empty(k, keys.dtype)
    found = np.empty(k, keys.dtype)
    positions = np.empty((ROWS, k), np.int64)
    tops = np.empty(WIDE, keys.dtype)
    bottoms = np.empty(WIDE, keys.dtype)
    reached = np.empty(m + 1 if wide or narrow else 0, np.int64)
    row = first
    while row < end:
        rows = ROWS if row + ROWS <= end else 1
        largest = keys[row, 0]
        smallest = largest
        for b in range(blocks):
            start = b * BLOCK
            stop = min(m, start + BLOCK)
            if not (wide or narrow):
                for r in range(rows):
                    top, bottom = _extrema(keys, row + r, start, stop)
                    maxima[r, b] = top
                    largest = max(largest, top)
                    smallest = min(smallest, bottom)
            if columns == COLUMN_SUMS:
                _add_columns(values, row, rows, start, stop, part_sums)
            elif columns == COLUMN_MINIMA:
                _lower_columns(values, row, rows, start, stop, part_minima)
        if wide or narrow:
            for r in range(rows):
                row_keys = keys[row + r]
                if wide:
                    top, bottom = _row_top_wide(
                        row_keys, 0, m, k, positions[r], found, highest, tops, bottoms, reached
                    )
                else:
                    top, bottom = _row_top(
                        row_keys, 0, m, k, positions[r], found, highest, tops, bottoms, reached
                    )
                largest = max(largest, top)
                smallest = min(smallest, bottom)
        if limit == 0 or (smallest >= 0 and largest < limit):
            for r in range(rows):
                u = row + r
                if wide or narrow:
                    for p in range(k):
                        items[u, p] = positions[r, p]
                elif by_sorting:
                    _select_sorted(keys[u], k, items[u], found)
                else:
                    _select(keys[u], maxima[r], k, items[u], found, highest)
                for p in range(k):
                    scores[u, p] = values[u, items[u, p]]
                high = max(high, scores[u, 0])
            low_key = min(low_key, np.int64(smallest))
        else:
            for r in range(rows):
                u = row + r
                if _select_values(values[u], k, items[u], scores[u]):
                    high = max(high, scores[u, 0])
                    for j in range(m):
                        low = min(low, np.float64(values[u, j]))
                else:
                    bad = min(bad, u)
        row += rows
    return low_key, low, high, bad


@kernel(parallel=True)
def dense_own_lists(keys, values, limit, k, columns, bounds):
    """Top-k of every row of a dense matrix, with column sums or minima of the whole matrix.

    Parameters
    ----------
    keys : integer array, shape (n, m)
        The ratings in a form whose integer order is theirs: integers themselves, floats as the
        integer view of their bits (only right for rows without a negative number, which the
        pass itself finds out).
    values : array, shape (n, m)
        The ratings.
    limit : int
        Keys of `limit` or more are not finite numbers. 0: the keys are exact (integers).
    k : int
        1 <= k <= m.
    columns : int
        NO_COLUMNS, COLUMN_SUMS or COLUMN_MINIMA.
    bounds : int64 array, shape (chunks + 1,)
        First row of each chunk, and n.

    Returns
    -------
    items : int32 array, shape (n, k)
        Best first, equal ratings by ascending column.
    scores : float64 array, shape (n, k)
        Their ratings; -0.0 as 0.0.
    sums : float64 array, shape (m,) or (0,)
    minima : array of the ratings' dtype, shape (m,) or (0,)
    low_key : int
        Smallest key of the rows that were read by their keys (the largest int64 if none was).
    low, high : float
        Smallest of all other rows; largest of all.
    bad : int
        First row with a rating that is not finite, or n.
    """
    n, m = keys.shape
    items = np.empty((n, k), np.int32)
    scores = np.empty((n, k), np.float64)
    sums = np.zeros(m if columns == COLUMN_SUMS else 0, np.float64)
    minima = values[0, : (m if columns == COLUMN_MINIMA else 0)].copy()
    chunks = bounds.shape[0] - 1
    part_sums = np.zeros((chunks, sums.shape[0]), np.float64)
    part_minima = np.empty((chunks, minima.shape[0]), values.dtype)
    low_key = np.empty(chunks, np.int64)
    low = np.empty(chunks, np.float64)
    high = np.empty(chunks, np.float64)
    bad = np.empty(chunks, np.int64)
    for c in prange(chunks):
        for j in range(minima.shape[0]):
            part_minima[c, j] = minima[j]
        low_key[c], low[c], high[c], bad[c] = _dense_chunk(
            keys,
            values,
            limit,
            k,
            columns,
            bounds[c],
            bounds[c + 1],
            items,
            scores,
            part_sums[c],
            part_minima[c],
        )
    for c in range(chunks):
        for j in range(sums.shape[0]):
            sums[j] += part_sums[c, j]
        for j in range(minima.shape[0]):
            minima[j] = min(minima[j], part_minima[c, j])
        low_key[0] = min(low_key[0], low_key[c])
        low[0] = min(low[0], low[c])
        high[0] = max(high[0], high[c])
        bad[0] = min(bad[0], bad[c])
    return items, scores, sums, minima, low_key[0], low[0], high[0], bad[0]


@kernel()
def _sparse_row(columns, values, fill, m, k, items, scores):
    """Top-k of a row in which every cell that is not stored counts as `fill`."""
    filled = 0
    for p in range(columns.shape[0]):
        value = np.float64(values[p])
        if value > fill and (filled < k or value > scores[k - 1]):
            filled = _insert(items, scores, 0, filled, k, value + 0.0, columns[p])
    if filled < k:
        # next come the cells worth `fill`, stored or not, from the left
        p = 0
        for column in range(m):
            while p < columns.shape[0] and columns[p] < column:
                p += 1
            if p < columns.shape[0] and columns[p] == column and values[p] != fill:
                continue
            items[filled] = column
            scores[filled] = fill
            filled += 1
            if filled == k:
                break
    if filled < k:
        base = filled
        for p in range(columns.shape[0]):
            value = np.float64(values[p])
            if value < fill and (filled < k or value > scores[k - 1]):
                filled = _insert(items, scores, base, filled, k, value + 0.0, columns[p])


@kernel()
def _in_small_halves(values, start, stop, fill):
    """Whether every rating is a small multiple of 1/2 away from the fill."""
    same = True
    for p in range(np.uint64(start), np.uint64(stop)):
        twice = (np.float64(values[p]) - fill) * 2.0
        same &= (twice == np.float64(np.int32(twice))) & (abs(twice) <= SMALL)
    return same


@kernel(parallel=True)
def sparse_own_lists(indptr, indices, keys, values, limit, fill, m, k, with_sums, bounds):
    """Top-k of every row of a CSR matrix, with the columns' sums of (rating - fill).

    Parameters
    ----------
    indptr, indices, values : arrays
        Canonical CSR: columns ascending in each row, none twice.
    keys, limit
        The values' keys, as in `dense_own_lists`.
    fill : float
        What a cell that is not stored counts as.
    m : int
        Number of columns.
    k : int
        1 <= k <= m.
    with_sums : bool
    bounds : int64 array
        First row of each chunk, and n.

    Returns
    -------
    items : int32 array, shape (n, k)
    scores : float64 array, shape (n, k)
    sums : float64 array, shape (m,) or (0,)
        Sum over the stored cells of (rating - fill). Up to `MOST_NARROW` rows are added up in
        float32, which takes half the cache: an error of at most `MOST_NARROW` roundings, or
        none, see `in_halves`.
    in_halves : bool
        Whether all ratings turned out to be small multiples of 1/2 away from the fill, whose
        sums are exact (looked at for the sums only).
    low_key : int
        Smallest key of the rows that were read by their keys (the largest int64 if none was).
    low, high : float
        Smallest stored rating of all other rows; largest of all.
    bad : int
        First row with a rating that is not finite, or n.
    """
    n = indptr.shape[0] - 1
    items = np.empty((n, k), np.int32)
    scores = np.empty((n, k), np.float64)
    sums = np.zeros(m if with_sums else 0, np.float64)
    chunks = bounds.shape[0] - 1
    most_stored = 0
    for u in range(n):
        most_stored = max(most_stored, indptr[u + 1] - indptr[u])
    longest = 0
    for c in range(chunks):
        longest = max(longest, bounds[c + 1] - bounds[c])
    # filled with zeros by the thread that will use them
    narrow_sums = np.empty((chunks, sums.shape[0]), np.float32)
    part_sums = np.empty((chunks if longest > MOST_NARROW else 0, sums.shape[0]), np.float64)
    halves = np.zeros(chunks, np.bool_)
    low_key = np.full(chunks, np.iinfo(np.int64).max, np.int64)
    low = np.full(chunks, np.inf, np.float64)
    high = np.full(chunks, -np.inf, np.float64)
    bad = np.full(chunks, n, np.int64)
    for c in prange(chunks):
        narrow = narrow_sums[c]
        narrow[:] = 0.0
        if longest > MOST_NARROW:
            part_sums[c, :] = 0.0
        in_halves = with_sums
        emptied = bounds[c]
        positions = np.empty(k, np.int64)
        found = np.empty(k, keys.dtype)
        highest = np.empty(k, keys.dtype)
        tops = np.empty(WIDE, keys.dtype)
        bottoms = np.empty(WIDE, keys.dtype)
        reached = np.empty(most_stored + 1, np.int64)
        lowest_key = np.iinfo(np.int64).max
        lowest, topmost = np.inf, -np.inf
        for u in range(bounds[c], bounds[c + 1]):
            start, stop = indptr[u], indptr[u + 1]
            done = by_keys = False
            if stop - start >= max(k, NARROW):
                if k > NARROW and stop - start >= WIDE:
                    largest, smallest = _row_top_wide(
                        keys, start, stop, k, positions, found, highest, tops, bottoms, reached
                    )
                else:
                    largest, smallest = _row_top(
                        keys, start, stop, k, positions, found, highest, tops, bottoms, reached
                    )
                if limit == 0 or (smallest >= 0 and largest < limit):
                    by_keys = True
                    lowest_key = min(lowest_key, np.int64(smallest))
                    topmost = max(topmost, np.float64(values[positions[0]]))
                    # the entries at hand are the list unless the fill reaches into it
                    done = np.float64(values[positions[k - 1]]) > fill
                    for p in range(k):
                        items[u, p] = indices[positions[p]]
                        scores[u, p] = values[positions[p]]
            if not done:
                columns = indices[start:stop]
                _sparse_row(columns, values[start:stop], fill, m, k, items[u], scores[u])
            if not by_keys:
                for p in range(start, stop):
                    value = np.float64(values[p])
                    if not np.isfinite(value):
                        bad[c] = min(bad[c], u)
                    lowest = min(lowest, value)
                    topmost = max(topmost, value)
            if with_sums:
                in_halves = in_halves and _in_small_halves(values, start, stop, fill)
                for q in range(np.uint64(start), np.uint64(stop)):
                    narrow[np.uint64(indices[q])] += np.float32(np.float64(values[q]) - fill)
                if u + 1 - emptied == MOST_NARROW and longest > MOST_NARROW:
                    for j in range(narrow.shape[0]):
                        part_sums[c, j] += narrow[j]
                        narrow[j] = 0.0
                    emptied = u + 1
        halves[c] = in_halves
        low_key[c] = min(low_key[c], lowest_key)
        low[c] = min(low[c], lowest)
        high[c] = max(high[c], topmost)
    stretches = (sums.shape[0] + STRETCH - 1) // STRETCH
    for t in prange(stretches):
        start = t * STRETCH
        stop = min(sums.shape[0], start + STRETCH)
        for c in range(chunks):
            if longest > MOST_NARROW:
                for j in range(start, stop):
                    sums[j] += part_sums[c, j]
            for j in range(start, stop):
                sums[j] += narrow_sums[c, j]
    for c in range(chunks):
        halves[0] &= halves[c]
        low_key[0] = min(low_key[0], low_key[c])
        low[0] = min(low[0], low[c])
        high[0] = max(high[0], high[c])
        bad[0] = min(bad[0], bad[c])
    return items, scores, sums, halves[0], low_key[0], low[0], high[0], bad[0]
