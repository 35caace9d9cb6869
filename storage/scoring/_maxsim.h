/* What the kernels of _maxsim.c and _maxsim_vnni.c share. */

#ifndef PAGESIGHT_MAXSIM_H
#define PAGESIGHT_MAXSIM_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if (defined(__x86_64__) || defined(__i386__)) && defined(__GNUC__)
#define X86 1
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2")))
#define VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#else
#define X86 0
#endif
#define INLINE static inline __attribute__((always_inline))

typedef struct {
    const char *data;       /* pages lie in here */
    const int64_t *starts;  /* byte offset of each page */
    const int64_t *counts;  /* rows of each page, > 0 */
    ptrdiff_t n_pages;
    const int16_t *query;   /* (n_query, dim) */
    const float *query_scales;
    int n_query, dim;
    int bits;               /* of a code: 8, 4 or 2 */
    const char *table;      /* 256 times 8 / bits int8 values; unused with 8 bits */
    int precise;            /* use both bytes of the query */
    float *found;           /* (n_pages, n_query): the best dot product of each query row on each page */
    void *scratch;          /* scratch_bytes() for the rows and the query in other forms */
} Work;

INLINE int padded(int dim) { return (dim + 63) / 64 * 64; }

/* The int8 values of a row: where they lie, or looked up in the table. */
INLINE const int8_t *row_values(const Work *w, const char *codes, int64_t row, int8_t *buffer) {
    const unsigned char *code = (const unsigned char *)codes + row * (int64_t)(w->dim * w->bits / 8);
    if (w->bits == 8) return (const int8_t *)code;
    int n_codes = w->dim * w->bits / 8;
    if (w->bits == 4)
        for (int i = 0; i < n_codes; i++) memcpy(buffer + 2 * i, w->table + 2 * code[i], 2);
    else
        for (int i = 0; i < n_codes; i++) memcpy(buffer + 4 * i, w->table + 4 * code[i], 4);
    return buffer;
}

#if X86
/* The best dot products of each page; wants scratch memory as scratch_bytes() says, aligned to 64. */
void maxima_vnni(const Work *w);

/* MaxSim of many small pages of n_slots rows each into found (n_pages,): dim a multiple of 16, 32 pages or more. */
void scan_vnni(const Work *w, int n_slots);
#endif

/* Bytes of scratch memory: 32 rows padded, 64 transposed, a query in two planes, the best of each lane, lines ahead. */
INLINE size_t scratch_bytes(int n_query, int dim) {
    const size_t wide = (size_t)padded(dim), rows = (size_t)n_query + 16;
    return wide * (96 + 2 * rows) + rows * 64 * 4 + wide * 8 + 4096;
}

#endif
