/* The plain loops, for whatever the compiler targets (SSE2, NEON, ...): what every other kernel is compared with. */

#include "_maxsim.h"

#define AT_ONCE 4           /* rows of a query that are multiplied at once: a row of a page is read for all */

void maxima_plain(const Work *w) {
    int16_t *row = w->scratch;
    int8_t *buffer = (int8_t *)(row + padded(w->dim));
    float best[MAX_QUERY + AT_ONCE];
    for (ptrdiff_t page = 0; page < w->n_pages; page++) {
        const char *scales = w->data + w->starts[page];
        int64_t n = w->counts[page];
        for (int q = 0; q < w->n_query + AT_ONCE; q++) best[q] = -INFINITY;
        for (int64_t token = 0; token < n; token++) {
            const int8_t *values = row_values(w, scales + 4 * n, token, buffer);
            for (int d = 0; d < w->dim; d++) row[d] = values[d];
            float scale;
            memcpy(&scale, scales + 4 * token, 4);
            for (int q = 0; q < w->n_query; q += AT_ONCE) {
                const int16_t *query[AT_ONCE]; /* at the end some are multiplied again */
                for (int i = 0; i < AT_ONCE; i++)
                    query[i] = w->query + (int64_t)(q + i < w->n_query ? q + i : w->n_query - 1) * w->dim;
                float dots[AT_ONCE] = {0};
                for (int from = 0; from < w->dim; from += SUM_DIM) {
                    int to = from + SUM_DIM < w->dim ? from + SUM_DIM : w->dim;
                    int32_t a = 0, b = 0, c = 0, d = 0;
                    for (int k = from; k < to; k++) {
                        a += row[k] * query[0][k];
                        b += row[k] * query[1][k];
                        c += row[k] * query[2][k];
                        d += row[k] * query[3][k];
                    }
                    dots[0] += (float)a;
                    dots[1] += (float)b;
                    dots[2] += (float)c;
                    dots[3] += (float)d;
                }
                for (int i = 0; i < AT_ONCE; i++)
                    if (dots[i] * scale > best[q + i]) best[q + i] = dots[i] * scale;
            }
        }
        for (int q = 0; q < w->n_query; q++) w->found[page * w->n_query + q] = best[q] * w->query_scales[q];
    }
}
