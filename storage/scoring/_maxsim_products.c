/* The products of a query with every token of a page, and the tokens' lengths: what tells where on a page its answer is.

   A compiler multiplies these plain loops side by side as they stand, so there is one way for all processors, which is
   compiled for AVX2 once more. Integers give the same in whatever order they are added: every version finds the same. */

#include "_maxsim.h"

#define AT_ONCE 4           /* rows of a query that are multiplied at once: a row of the page is read for all */

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

INLINE float dot(const int16_t *row, const int16_t *query, int from, int to) {
    int32_t sum = 0;
    for (int d = from; d < to; d++) sum += row[d] * query[d];
    return (float)sum;
}

INLINE void products_of_page(const Work *w, const float *query, float *lengths) {
    const int wide = padded(w->dim), n = w->n_query;
    const int64_t tokens = w->counts[0];
    int16_t *row = w->scratch, *codes = row + wide;
    float *query_scales = (float *)(codes + (size_t)n * wide);
    int8_t *buffer = (int8_t *)(query_scales + n);
    const char *scales = w->data + w->starts[0];
    for (int q = 0; q < n; q++) query_scales[q] = rounded(query + (size_t)q * w->dim, w->dim, codes + (size_t)q * wide);
    for (int64_t token = 0; token < tokens; token++) {
        const int8_t *values = row_values(w, scales + 4 * tokens, token, buffer);
        float scale, square = 0;
        memcpy(&scale, scales + 4 * token, 4);
        for (int d = 0; d < w->dim; d++) row[d] = values[d];
        for (int from = 0; from < w->dim; from += SUM_DIM)
            square += dot(row, row, from, from + SUM_DIM < w->dim ? from + SUM_DIM : w->dim);
        lengths[token] = sqrtf(square) * fabsf(scale);
        for (int first = 0; first < n; first += AT_ONCE) {
            const int16_t *some[AT_ONCE]; /* at the end some are multiplied again */
            float sums[AT_ONCE] = {0};
            for (int i = 0; i < AT_ONCE; i++) some[i] = codes + (size_t)(first + i < n ? first + i : n - 1) * wide;
            for (int from = 0; from < w->dim; from += SUM_DIM) {
                const int to = from + SUM_DIM < w->dim ? from + SUM_DIM : w->dim;
                int32_t a = 0, b = 0, c = 0, d = 0;
                for (int k = from; k < to; k++) {
                    a += row[k] * some[0][k];
                    b += row[k] * some[1][k];
                    c += row[k] * some[2][k];
                    d += row[k] * some[3][k];
                }
                sums[0] += (float)a;
                sums[1] += (float)b;
                sums[2] += (float)c;
                sums[3] += (float)d;
            }
            for (int i = 0; i < AT_ONCE && first + i < n; i++)
                w->found[(first + i) * tokens + token] = sums[i] * scale * query_scales[first + i];
        }
    }
}

void products_plain(const Work *w, const float *query, float *lengths) { products_of_page(w, query, lengths); }
#if X86
AVX2 void products_avx2(const Work *w, const float *query, float *lengths) { products_of_page(w, query, lengths); }
#endif
