/* Groups of unequal size that lie end to end (ragged.py): what numpy does in a call for each, or in a dozen passes.

   No group is empty: ``first`` says where each begins, and the last one ends with the row. */

#include "_regions.h"

int groups_in_order(const int64_t *first, ptrdiff_t n_groups, ptrdiff_t n) {
    for (ptrdiff_t g = 0; g < n_groups; g++)
        if (first[g] < 0 || first[g] >= (g + 1 < n_groups ? first[g + 1] : n)) return 0;
    return 1;
}

void largest(float *row, ptrdiff_t n, const int64_t *first, ptrdiff_t n_groups, int32_t *keys, float *found) {
    (void)keys;
    for (ptrdiff_t g = 0; g < n_groups; g++) {
        const ptrdiff_t stop = g + 1 < n_groups ? first[g + 1] : n;
        float most = row[first[g]];
        for (ptrdiff_t i = first[g] + 1; i < stop; i++) most = row[i] > most ? row[i] : most;
        found[g] = most;
    }
}

void bounds(float *boxes, ptrdiff_t n, const int64_t *first, ptrdiff_t n_groups, int32_t *keys, float *found) {
    (void)keys;
    for (ptrdiff_t g = 0; g < n_groups; g++, found += 4) {
        const float *box = boxes + 4 * first[g], *const stop = boxes + 4 * (g + 1 < n_groups ? first[g + 1] : n);
        memcpy(found, box, 16);
        for (box += 4; box < stop; box += 4)
            for (int side = 0; side < 2; side++) {
                found[side] = box[side] < found[side] ? box[side] : found[side];
                found[side + 2] = box[side + 2] > found[side + 2] ? box[side + 2] : found[side + 2];
            }
    }
}

/* Floats are in the order of their bits, once those of negative ones are turned round. So the range in which the median is can be
   halved, and drawn in to the nearest values that there are, a dozen times: counting is done side by side, and sorting is not. */
INLINE float median(const float *values, ptrdiff_t n, int32_t *keys) {
    int32_t low = INT32_MAX, high = INT32_MIN;
    for (ptrdiff_t i = 0; i < n; i++) {
        int32_t bits;
        memcpy(&bits, values + i, 4);
        keys[i] = bits ^ ((bits >> 31) & INT32_MAX);
        low = keys[i] < low ? keys[i] : low;
        high = keys[i] > high ? keys[i] : high;
    }
    while (low < high) {
        const int32_t middle = (int32_t)(((int64_t)low + high) >> 1);
        int32_t n_below = 0, below = INT32_MIN, above = INT32_MAX; /* a page has fewer tokens than 2^31 */
        for (ptrdiff_t i = 0; i < n; i++) {
            const int32_t key = keys[i], is_below = -(key <= middle); /* all bits or none */
            const int32_t lower = (key & is_below) | (INT32_MIN & ~is_below), higher = (key & ~is_below) | (INT32_MAX & is_below);
            n_below -= is_below;
            below = lower > below ? lower : below;
            above = higher < above ? higher : above;
        }
        if (n_below > n / 2)
            high = below;
        else
            low = above;
    }
    const int32_t bits = low ^ ((low >> 31) & INT32_MAX);
    float found;
    memcpy(&found, &bits, 4);
    return found;
}

INLINE void all_medians(const float *row, ptrdiff_t n, const int64_t *first, ptrdiff_t n_groups, int32_t *keys, float *found) {
    for (ptrdiff_t g = 0; g < n_groups; g++)
        found[g] = median(row + first[g], (ptrdiff_t)((g + 1 < n_groups ? first[g + 1] : n) - first[g]), keys);
}

INLINE void stretch_all(float *row, ptrdiff_t n, const int64_t *first, ptrdiff_t n_groups, int32_t *keys, float *reach) {
    largest(row, n, first, n_groups, keys, reach);
    for (ptrdiff_t g = 0; g < n_groups; g++) {
        float *values = row + first[g];
        const ptrdiff_t each = (ptrdiff_t)((g + 1 < n_groups ? first[g + 1] : n) - first[g]);
        const float usual = median(values, each, keys), most = reach[g] - usual, divisor = most > 1e-6f ? most : 1e-6f;
        reach[g] = most;
        for (ptrdiff_t i = 0; i < each; i++) {
            const float stretched = (values[i] - usual) / divisor, above = stretched > 0 ? stretched : 0;
            values[i] = above < 1 ? above : 1;
        }
    }
}

void spread_in_groups(const Spread *s) {
    memcpy(s->found, s->values, (size_t)s->n * 4);
    for (int64_t g = 0; g < s->n_groups; g++) {
        const int64_t stop = g + 1 < s->n_groups ? s->first[g + 1] : s->n;
        for (int64_t i = s->first[g]; i < stop; i++)
            for (int64_t j = i + 1; j < stop; j++) {
                const float across = s->x[i] - s->x[j], down = s->y[i] - s->y[j];
                const float near = expf(-(across * across + down * down));
                s->found[i] += near * s->values[j];
                s->found[j] += near * s->values[i];
            }
    }
}

/* Every box is held against all middles of its page: which are in it is told side by side, then looked for. */
INLINE int64_t all_inside(const Places *p, float *x, float *y, uint8_t *is_in) {
    int64_t n = 0;
    if (p->page_ends[0] != 0 || p->page_ends[p->n_pages] != p->n_others) return -1;
    for (int64_t page = 0; page < p->n_pages; page++)
        if (p->page_ends[page] > p->page_ends[page + 1]) return -1;
    for (int64_t i = 0; i < p->n_others; i++) {
        x[i] = (p->others[4 * i] + p->others[4 * i + 2]) / 2;
        y[i] = (p->others[4 * i + 1] + p->others[4 * i + 3]) / 2;
    }
    for (int64_t b = 0; b < p->n_boxes; b++) {
        if (p->pages[b] < 0 || p->pages[b] >= p->n_pages) return -1;
        const float left = p->boxes[4 * b], top = p->boxes[4 * b + 1], right = p->boxes[4 * b + 2], bottom = p->boxes[4 * b + 3];
        const int64_t first = p->page_ends[p->pages[b]], of_page = p->page_ends[p->pages[b] + 1] - first;
        const float *across = x + first, *down = y + first;
        for (int64_t i = 0; i < of_page; i++)
            is_in[i] = (uint8_t)((left <= across[i]) & (across[i] <= right) & (top <= down[i]) & (down[i] <= bottom));
        const uint8_t *at = is_in, *stop = is_in + of_page;
        while (at < stop && (at = memchr(at, 1, (size_t)(stop - at))) != NULL) {
            if (n < p->room) {
                p->found_boxes[n] = b;
                p->found_others[n] = first + (at - is_in);
            }
            n++;
            at++;
        }
    }
    return n;
}

#if X86
AVX2 static void medians_avx2(float *row, ptrdiff_t n, const int64_t *first, ptrdiff_t n_groups, int32_t *keys, float *found) {
    all_medians(row, n, first, n_groups, keys, found);
}
AVX2 static void stretch_avx2(float *row, ptrdiff_t n, const int64_t *first, ptrdiff_t n_groups, int32_t *keys, float *reach) {
    stretch_all(row, n, first, n_groups, keys, reach);
}
AVX2 static int64_t inside_avx2(const Places *p, float *x, float *y, uint8_t *is_in) { return all_inside(p, x, y, is_in); }
#define BY(side_by_side) \
    if (__builtin_cpu_supports("avx2")) return side_by_side
#else
#define BY(side_by_side)
#endif

void medians(float *row, ptrdiff_t n, const int64_t *first, ptrdiff_t n_groups, int32_t *keys, float *found) {
    BY(medians_avx2(row, n, first, n_groups, keys, found));
    all_medians(row, n, first, n_groups, keys, found);
}

void stretch(float *row, ptrdiff_t n, const int64_t *first, ptrdiff_t n_groups, int32_t *keys, float *reach) {
    BY(stretch_avx2(row, n, first, n_groups, keys, reach));
    stretch_all(row, n, first, n_groups, keys, reach);
}

int64_t inside(const Places *p, float *x, float *y, uint8_t *is_in) {
    BY(inside_avx2(p, x, y, is_in));
    return all_inside(p, x, y, is_in);
}
