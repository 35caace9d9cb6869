/* What the kernels of _maxsim*.c share. */

#ifndef PAGESIGHT_MAXSIM_H
#define PAGESIGHT_MAXSIM_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define X86 1
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2")))
#define VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#define AVXVNNI (__GNUC__ >= 12 || __clang_major__ >= 12)
#else
#define X86 0
#endif
#if defined(__aarch64__) && defined(__GNUC__)
#define NEON 1
#else
#define NEON 0
#endif
#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#define FETCH(address) __builtin_prefetch(address)
#define lowest_bit(bits) __builtin_ctz(bits)
#else
#define INLINE static inline
#define FETCH(address) ((void)0)
#endif
#define MAX_KERNELS 4
#define MAX_QUERY 1024      /* rows of a query, checked by the caller */
#define QUERY_MAX 32512.0f   /* of the largest component of a query: 127 * 256, as storage.scoring.kernel has it */
#define SUM_DIM 512         /* dimensions that are summed in an int32: 512 * 32512 * 128 < 2^31 */

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
/* 16 codes of 4 bits a step: the table is looked up in a register. */
AVX2 INLINE void unpack_4(const Work *w, const char *codes, int64_t row, int8_t *buffer) {
    const char *code = codes + row * (w->dim / 2);
    int8_t levels[16];
    for (int i = 0; i < 16; i++) levels[i] = (int8_t)w->table[2 * i]; /* the lower code of byte i is i */
    const __m128i table = _mm_loadu_si128((const __m128i *)levels), lower = _mm_set1_epi8(15);
    int at = 0;
    for (; at + 16 <= w->dim / 2; at += 16) {
        const __m128i both = _mm_loadu_si128((const __m128i *)(code + at));
        const __m128i even = _mm_shuffle_epi8(table, _mm_and_si128(both, lower));
        const __m128i odd = _mm_shuffle_epi8(table, _mm_and_si128(_mm_srli_epi16(both, 4), lower));
        _mm_storeu_si128((__m128i *)(buffer + 2 * at), _mm_unpacklo_epi8(even, odd));
        _mm_storeu_si128((__m128i *)(buffer + 2 * at + 16), _mm_unpackhi_epi8(even, odd));
    }
    for (; at < w->dim / 2; at++) memcpy(buffer + 2 * at, w->table + 2 * (unsigned char)code[at], 2);
}

/* row_values, faster. */
AVX2 INLINE const int8_t *read_row(const Work *w, const char *codes, int64_t row, int8_t *buffer) {
    if (w->bits != 4) return row_values(w, codes, row, buffer);
    unpack_4(w, codes, row, buffer);
    return buffer;
}
#endif

/* Bytes of scratch memory: 32 rows padded, 64 transposed, a query in two planes, the best of each lane, products kept. */
INLINE size_t scratch_bytes(int n_query, int dim) {
    const size_t wide = (size_t)padded(dim), rows = (size_t)n_query + 16;
    return wide * (104 + 2 * rows) + rows * 1536 + 4096;
}

/* maxima: the best dot products of each page; wants scratch memory as scratch_bytes() says, aligned to 64.
   scan: MaxSim of many small pages of n_slots rows each into found (n_pages,): dim a multiple of 16, 32 pages or more; NULL
   where there is none.
   products: of the first page alone, all of them: found is (n_query, rows). query: float32, (n_query, dim), instead of the work's.
   lengths: (rows,), of the rows. */
typedef void (*Products)(const Work *, const float *query, float *lengths);
typedef struct {
    const char *name;
    void (*maxima)(const Work *);
    void (*scan)(const Work *, int n_slots);
    Products products;
} Kernel;

int find_kernels(Kernel *found); /* that this processor can run, at most MAX_KERNELS, the fastest first */

void maxima_plain(const Work *w);
void maxima_vnni(const Work *w);
void maxima_avxvnni(const Work *w);
void maxima_avx2(const Work *w);
void maxima_neon(const Work *w);
void scan_vnni(const Work *w, int n_slots);
void scan_avxvnni(const Work *w, int n_slots);
void scan_avx2(const Work *w, int n_slots);
void scan_neon(const Work *w, int n_slots);
void products_plain(const Work *w, const float *query, float *lengths);
void products_avx2(const Work *w, const float *query, float *lengths);

#endif
