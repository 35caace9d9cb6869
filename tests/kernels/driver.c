/* Compares every kernel that this processor can run with the plain loops, without Python: also under an emulator.

   driver           prints the kernels, and what differs; fails if anything does. Compiled with vpdpbusd.h before all else, AVX-VNNI, too
   driver time      milliseconds of each: 40 pages of 384 tokens of 128 and 384 dimensions, 20 rows of a query */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "_maxsim.h"

static uint32_t state = 1;
static uint32_t next(uint32_t below) { return (state = state * 1664525 + 1013904223, state >> 8) % below; }

typedef struct {
    Work work;
    char *data;
    int64_t *starts, *counts;
    int16_t *query;
    float *scales;
} Case;

/* Pages of random codes, now and then only of the largest ones, at odd places. */
static Case make(int n_pages, int most_tokens, int same, int dim, int bits, int n_query) {
    static int8_t table[256 * 4];
    Case c = {0};
    const int extreme = next(4) == 0, row_bytes = dim * bits / 8, per_byte = 8 / bits;
    for (int i = 0; i < 256; i++)
        for (int k = 0; k < per_byte; k++) table[i * per_byte + k] = (int8_t)((i >> k * bits & ((1 << bits) - 1)) * (bits == 4 ? 17 : 80) - 127);
    c.starts = malloc(8 * n_pages), c.counts = malloc(8 * n_pages);
    int64_t size = next(4);
    for (int page = 0; page < n_pages; page++) {
        c.starts[page] = size;
        c.counts[page] = same ? most_tokens : 1 + (int)next(most_tokens);
        size += c.counts[page] * (4 + row_bytes) + next(4) * !same;
    }
    c.data = malloc(size); /* exactly: a sanitizer sees what is read beyond */
    for (int64_t i = 0; i < size; i++) c.data[i] = (char)(extreme ? (int)(next(3) * 127) - 128 : (int)next(255) - 127);
    for (int page = 0; page < n_pages; page++)
        for (int64_t row = 0; row < c.counts[page]; row++) {
            const float scale = next(50) == 0 ? 0 : (float)next(1000) * 1e-4f;
            memcpy(c.data + c.starts[page] + 4 * row, &scale, 4);
        }
    c.query = malloc(2 * n_query * dim), c.scales = malloc(4 * n_query);
    for (int i = 0; i < n_query * dim; i++) c.query[i] = (int16_t)(extreme ? (next(2) ? 32512 : -32512) : (int)next(65025) - 32512);
    for (int i = 0; i < n_query; i++) c.scales[i] = 1e-6f * (float)(1 + next(100));
    c.work = (Work){.data = c.data, .starts = c.starts, .counts = c.counts, .n_pages = n_pages, .query = c.query,
                    .query_scales = c.scales, .n_query = n_query, .dim = dim, .bits = bits, .table = (const char *)table};
    c.work.scratch = aligned_alloc(64, (scratch_bytes(n_query, dim) + 63) / 64 * 64);
    return c;
}

static void release(Case *c) {
    free(c->data), free(c->starts), free(c->counts), free(c->query), free(c->scales), free(c->work.scratch);
}

static float *scored(Case *c, const Kernel *kernel, int precise) {
    c->work.precise = precise;
    c->work.found = malloc(4 * c->work.n_pages * c->work.n_query);
    kernel->maxima(&c->work);
    return c->work.found;
}

/* The largest product there can be, in units of which rounding the query to 7 bits takes a hundredth at most. */
static float most(const Case *c, int q) {
    float sum = 0;
    for (int d = 0; d < c->work.dim; d++) sum += fabsf((float)c->query[q * c->work.dim + d]);
    return sum * c->scales[q] * 128 * 0.1f;
}

/* All products of the first page, then the lengths of its rows. */
static float *multiplied(Case *c, const Kernel *kernel) {
    const int64_t n = c->counts[0], n_query = c->work.n_query, n_values = n_query * c->work.dim;
    float *query = malloc(4 * n_values), *found = malloc(4 * n * (n_query + 1));
    for (int64_t i = 0; i < n_values; i++) query[i] = (float)c->query[i] * 1.7e-5f;
    c->work.found = found;
    kernel->products(&c->work, query, found + n * n_query);
    free(query);
    return found;
}

static int compare(const Kernel *kernel, const Kernel *plain, int round) {
    static const int DIMS[] = {128, 384, 320, 16, 64, 4, 20, 100, 512, 700, 48, 768};
    static const int BITS[] = {8, 8, 4, 2};
    const int dim = DIMS[round % 12], bits = BITS[round / 12 % 4], same = round % 5 == 0;
    Case c = make(same ? 32 + (int)next(20) : 1 + (int)next(4), same ? 1 + (int)next(9) : round % 7 ? 70 : 700, same, dim, bits,
                  1 + (int)next(round % 3 ? 24 : 130));
    float *expected = scored(&c, plain, 1), *precise = scored(&c, kernel, 1), *quick = scored(&c, kernel, 0);
    const int exact = strcmp(kernel->name, "avx512vnni") != 0; /* which adds two planes in floats */
    int wrong = 0;
    for (int i = 0; i < c.work.n_pages * c.work.n_query; i++) {
        const float limit = most(&c, i % c.work.n_query);
        wrong += exact ? precise[i] != expected[i] : fabsf(precise[i] - expected[i]) > 1e-5f * limit;
        wrong += fabsf(quick[i] - expected[i]) > 0.03f * limit;
    }
    if (same && kernel->scan != NULL && bits == 8 && dim % 16 == 0) {
        float *sums = malloc(4 * c.work.n_pages);
        c.work.found = sums;
        c.work.precise = 0;
        kernel->scan(&c.work, (int)c.counts[0]);
        for (int page = 0; page < c.work.n_pages; page++) {
            float sum = 0, limit = 0;
            for (int q = 0; q < c.work.n_query; q++) sum += quick[page * c.work.n_query + q], limit += most(&c, q);
            wrong += fabsf(sums[page] - sum) > 1e-5f * limit;
        }
        free(sums);
    }
    float *products = multiplied(&c, kernel), *right = multiplied(&c, plain);
    for (int64_t i = 0; i < c.counts[0] * (c.work.n_query + 1); i++) wrong += products[i] != right[i];
    free(products), free(right);
    if (wrong) printf("%s: %d wrong: round %d, %d dimensions, %d bits, %d rows of a query\n", kernel->name, wrong, round, dim, bits, c.work.n_query);
    free(expected), free(precise), free(quick);
    release(&c);
    return wrong;
}

static double milliseconds(Case *c, const Kernel *kernel, int precise) {
    double best = 1e9;
    for (int i = 0; i < 20; i++) {
        struct timespec begin, end;
        clock_gettime(CLOCK_MONOTONIC, &begin);
        free(scored(c, kernel, precise));
        clock_gettime(CLOCK_MONOTONIC, &end);
        const double took = (double)(end.tv_sec - begin.tv_sec) * 1e3 + (double)(end.tv_nsec - begin.tv_nsec) * 1e-6;
        if (took < best) best = took;
    }
    return best;
}

int main(int n_arguments, char **arguments) {
    (void)arguments;
    Kernel kernels[MAX_KERNELS + 1];
    int n = find_kernels(kernels), wrong = 0;
#ifdef PRODUCTS /* vpdpbusd.h */
    kernels[n] = kernels[n - 1];
    kernels[n++ - 1] = (Kernel){"avxvnni", maxima_avxvnni, scan_avxvnni, products_avx2};
#endif
    for (int k = 0; k < n; k++) {
        printf("%s\n", kernels[k].name);
        if (n_arguments < 2)
            for (int round = 0; round < 240; round++) wrong += compare(kernels + k, kernels + n - 1, round);
        else
            for (int dim = 128; dim <= 384; dim += 256) {
                Case c = make(40, 384, 1, dim, 8, 20);
                const double precise = milliseconds(&c, kernels + k, 1);
                printf("  %d dimensions: %.2f, quick %.2f\n", dim, precise, milliseconds(&c, kernels + k, 0));
                release(&c);
            }
    }
    return wrong != 0;
}
