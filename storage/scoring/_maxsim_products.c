/* The products of a query with every token of a page, and the tokens' lengths: what tells where on a page its answer is.

   A compiler multiplies these plain loops side by side as they stand, so there is one way for all processors, which is
   compiled for AVX2 once more. Integers give the same in whatever order they are added: every version finds the same. */

#include "_maxsim.h"

#define AT_ONCE 4 /* rows of a query that are multiplied at once, with two of the page: each is read for all */
#define BLOCK 16  /* rows of the page that are made int16 at a time */

/* A row of a query as int16, and its scale: as storage.scoring.kernel rounds it. */
INLINE float rounded(const float *row, int dim, int16_t *codes) {
    uint32_t most = 0; /* sizes of floats are in the order of their bits, which are compared side by side */
    for (int d = 0; d < dim; d++) {
        uint32_t bits;
        memcpy(&bits, row + d, 4);
        bits &= 0x7fffffff;
        most = bits > most ? bits : most;
    }
    float scale;
    memcpy(&scale, &most, 4);
    scale /= QUERY_MAX;
    const float divisor = scale == 0 ? 1 : scale;
    for (int d = 0; d < dim; d++) codes[d] = (int16_t)rintf(row[d] / divisor);
    return scale;
}

/* The square of a row's length. */
INLINE float square(const int16_t *row, int dim) {
    float found = 0;
    for (int from = 0; from < dim; from += SUM_DIM) {
        const int to = from + SUM_DIM < dim ? from + SUM_DIM : dim;
        int32_t sum = 0;
        for (int d = from; d < to; d++) sum += row[d] * row[d];
        found += (float)sum;
    }
    return found;
}

/* Two rows of the page by AT_ONCE of the query. */
INLINE void multiply(const int16_t *x, const int16_t *y, const int16_t *const query[AT_ONCE], int dim, float found[2][AT_ONCE]) {
    const int16_t *q = query[0], *r = query[1], *s = query[2], *t = query[3];
    memset(found, 0, 2 * AT_ONCE * sizeof(float));
    for (int from = 0; from < dim; from += SUM_DIM) {
        const int to = from + SUM_DIM < dim ? from + SUM_DIM : dim;
        int32_t xq = 0, xr = 0, xs = 0, xt = 0, yq = 0, yr = 0, ys = 0, yt = 0;
        for (int d = from; d < to; d++) {
            xq += x[d] * q[d];
            xr += x[d] * r[d];
            xs += x[d] * s[d];
            xt += x[d] * t[d];
            yq += y[d] * q[d];
            yr += y[d] * r[d];
            ys += y[d] * s[d];
            yt += y[d] * t[d];
        }
        found[0][0] += (float)xq, found[0][1] += (float)xr, found[0][2] += (float)xs, found[0][3] += (float)xt;
        found[1][0] += (float)yq, found[1][1] += (float)yr, found[1][2] += (float)ys, found[1][3] += (float)yt;
    }
}

/* So many rows of the page, from this one on, as int16: end to end. */
INLINE void widen(const Work *w, const char *page, int64_t from, int n, int16_t *rows, int8_t *buffer) {
    const int each = w->bits == 8 ? n : 1; /* which lie end to end as they are */
    for (int row = 0; row < n; row += each, rows += each * w->dim) {
        const int8_t *values = row_values(w, page, from + row, buffer);
        const int many = each * w->dim;
        for (int d = 0; d < many; d++) rows[d] = values[d];
    }
}

INLINE void products_of_page(const Work *w, const float *query, float *lengths) {
    const int dim = w->dim, n = w->n_query;
    const int64_t tokens = w->counts[0];
    int16_t *rows = w->scratch, *codes = rows + (size_t)BLOCK * dim;
    float *query_scales = (float *)(codes + (size_t)n * dim);
    int8_t *buffer = (int8_t *)(query_scales + n);
    const char *scales = w->data + w->starts[0];
    for (int q = 0; q < n; q++) query_scales[q] = rounded(query + (size_t)q * dim, dim, codes + (size_t)q * dim);
    for (int64_t token = 0; token < tokens; token += 2) {
        const int at = (int)(token % BLOCK), both = token + 1 < tokens; /* or the last one twice */
        if (at == 0) widen(w, scales + 4 * tokens, token, (int)(tokens - token < BLOCK ? tokens - token : BLOCK), rows, buffer);
        const int16_t *x = rows + at * dim, *y = both ? x + dim : x;
        float scale[2], found[2][AT_ONCE];
        memcpy(scale, scales + 4 * token, both ? 8 : 4);
        lengths[token] = sqrtf(square(x, dim)) * fabsf(scale[0]);
        if (both) lengths[token + 1] = sqrtf(square(y, dim)) * fabsf(scale[1]);
        for (int first = 0; first < n; first += AT_ONCE) {
            const int16_t *some[AT_ONCE]; /* at the end some are multiplied again */
            for (int i = 0; i < AT_ONCE; i++) some[i] = codes + (size_t)(first + i < n ? first + i : n - 1) * dim;
            multiply(x, y, some, dim, found);
            for (int i = 0; i < AT_ONCE && first + i < n; i++)
                for (int j = 0; j <= both; j++)
                    w->found[(first + i) * tokens + token + j] = found[j][i] * scale[j] * query_scales[first + i];
        }
    }
}

void products_plain(const Work *w, const float *query, float *lengths) { products_of_page(w, query, lengths); }
#if X86
AVX2 void products_avx2(const Work *w, const float *query, float *lengths) { products_of_page(w, query, lengths); }
#endif
