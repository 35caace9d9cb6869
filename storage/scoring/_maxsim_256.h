/* 256 bits at a time: included by _maxsim_avx2.c and _maxsim_avxvnni.c, which differ in one step only. See _maxsim_screen.h.

   8 tokens are transposed: then a register has the same 4 dimensions of 8 tokens, and the same 4 of the query multiply them. The
   products want one side unsigned: the query is moved up by UP, and UP times the sum of the codes is taken off again.

   The includer defines TARGET, UP, rounding_unit(), and
     STEP(sum, q)      assembly that adds to 8 sums the products of 16 dimensions: 4 registers of tokens, x0 to x3, and off
     take_off()        that off: what was too much for these tokens */

#define TILE 8              /* query rows multiplied at a time: 8 sums, 4 of tokens, 1 to take off, 1 of ones, 2 between */
#define READ_ROW read_row
#define STEP_BYTES 160      /* of transposed tokens: x0 to x3, and off */

TARGET INLINE unsigned mask_above(const float *values, float least) {
    return (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(values), _mm256_set1_ps(least), _CMP_GE_OQ));
}

TARGET INLINE int32_t sum_of(__m256i values) {
    __m128i half = _mm_add_epi32(_mm256_castsi256_si128(values), _mm256_extracti128_si256(values, 1));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(half, _mm_shuffle_epi32(half, 0xb1)));
}

TARGET INLINE __m256i sixteen(const int8_t *row, const int16_t *query) {
    return _mm256_madd_epi16(_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)row)),
                             _mm256_loadu_si256((const __m256i *)query));
}

TARGET INLINE float exact_product(const int8_t *row, const int16_t *query, int dim) {
    float product = 0;
    for (int from = 0; from < dim; from += SUM_DIM) {
        const int to = from + SUM_DIM < dim ? from + SUM_DIM : dim;
        __m256i one = _mm256_setzero_si256(), other = one;
        int d = from;
        for (; d + 32 <= to; d += 32) {
            one = _mm256_add_epi32(one, sixteen(row + d, query + d));
            other = _mm256_add_epi32(other, sixteen(row + d + 16, query + d + 16));
        }
        int32_t sum = sum_of(_mm256_add_epi32(one, other));
        for (; d < to; d++) sum += row[d] * query[d];
        product += (float)sum;
    }
    return product;
}

#include "_maxsim_screen.h"

TARGET INLINE __m256i square(__m256i x) {
    const __m256i size = _mm256_min_epu8(_mm256_abs_epi8(x), _mm256_set1_epi8(127));
    return _mm256_maddubs_epi16(size, size);
}

/* A quarter of the squares of 16 dimensions of 8 tokens added up, or a little more. 128 does not fit both sides and counts as 127. */
TARGET INLINE __m256i squares_of(__m256i x0, __m256i x1, __m256i x2, __m256i x3) {
    const __m256i left = _mm256_avg_epu16(square(x0), square(x1)), right = _mm256_avg_epu16(square(x2), square(x3));
    return _mm256_madd_epi16(_mm256_avg_epu16(left, right), _mm256_set1_epi16(1));
}

TARGET INLINE __m256i two_rows(const int8_t *one, const int8_t *other) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)one)),
                                   _mm_loadu_si128((const __m128i *)other), 1);
}

/* 16 bytes of each of 8 rows, a step -> 4 registers, the same 4 bytes of all 8 rows in each, and what is to be taken off.
   Returns the squares of every row added up, if they are wanted; else zeros. */
TARGET INLINE __m256i transpose(const Prepared *p, const Block *block, const int lengths) {
    const int8_t *row0 = block->rows[0], *row1 = block->rows[1], *row2 = block->rows[2], *row3 = block->rows[3];
    const int8_t *row4 = block->rows[4], *row5 = block->rows[5], *row6 = block->rows[6], *row7 = block->rows[7];
    __m256i *to = (__m256i *)p->transposed, squares = _mm256_setzero_si256();
    for (int step = 0, at = 0; step < p->steps; step++, at += SUMMED, to += STEP_BYTES / 32) {
        const __m256i r0 = two_rows(row0 + at, row4 + at), r1 = two_rows(row1 + at, row5 + at);
        const __m256i r2 = two_rows(row2 + at, row6 + at), r3 = two_rows(row3 + at, row7 + at);
        const __m256i a = _mm256_unpacklo_epi32(r0, r1), b = _mm256_unpackhi_epi32(r0, r1);
        const __m256i c = _mm256_unpacklo_epi32(r2, r3), d = _mm256_unpackhi_epi32(r2, r3);
        const __m256i x0 = _mm256_unpacklo_epi64(a, c), x1 = _mm256_unpackhi_epi64(a, c);
        const __m256i x2 = _mm256_unpacklo_epi64(b, d), x3 = _mm256_unpackhi_epi64(b, d);
        _mm256_store_si256(to, x0);
        _mm256_store_si256(to + 1, x1);
        _mm256_store_si256(to + 2, x2);
        _mm256_store_si256(to + 3, x3);
        _mm256_store_si256(to + 4, take_off(x0, x1, x2, x3));
        if (lengths) squares = _mm256_add_epi32(squares, squares_of(x0, x1, x2, x3));
    }
    return squares;
}

/* The sums are 8 variables by name: an array of them is kept in memory by some compilers. */
#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)
#define BEGIN(r) __m256i a##r = _mm256_setzero_si256();
#define ADD(r) \
    if (r < rows) STEP(a##r, (query + r * SUMMED))
#define KEEP(r) \
    if (r < rows) { \
        const __m256 value = _mm256_mul_ps(_mm256_cvtepi32_ps(a##r), scales); \
        _mm256_storeu_ps(best + r * LANES, _mm256_max_ps(_mm256_loadu_ps(best + r * LANES), value)); \
        if (values != NULL) _mm256_storeu_ps(values + r * CHUNK, value); \
    }
TARGET INLINE void multiply(const int rows, const Prepared *p, __m256 scales, const int8_t *query, float *best, float *values) {
    EACH_ROW(BEGIN)
    const __m256i *x = (const __m256i *)p->transposed;
    for (int step = 0; step < p->steps; step++, query += rows * SUMMED, x += STEP_BYTES / 32) {
        const __m256i x0 = _mm256_load_si256(x), x1 = _mm256_load_si256(x + 1), x2 = _mm256_load_si256(x + 2);
        const __m256i x3 = _mm256_load_si256(x + 3), off = _mm256_load_si256(x + 4);
        EACH_ROW(ADD)
    }
    EACH_ROW(KEEP)
}

typedef void (*Multiply)(const Prepared *, __m256, const int8_t *, float *, float *);
#define MULTIPLY(rows) \
    TARGET static void multiply_##rows(const Prepared *p, __m256 scales, const int8_t *query, float *best, float *values) { \
        multiply(rows, p, scales, query, best, values); \
    }
MULTIPLY(1) MULTIPLY(2) MULTIPLY(3) MULTIPLY(4) MULTIPLY(5) MULTIPLY(6) MULTIPLY(7) MULTIPLY(8)
static const Multiply MULTIPLIERS[TILE] = {multiply_1, multiply_2, multiply_3, multiply_4,
                                           multiply_5, multiply_6, multiply_7, multiply_8};

TARGET static void multiply_block(Prepared *p, const Block *block, float *values) {
    const __m256 scales = _mm256_loadu_ps(block->scales);
    if (values == NULL) transpose(p, block, 0);
    else {
        const __m256 size = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), scales);
        const __m256 length = _mm256_mul_ps(_mm256_sqrt_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(transpose(p, block, 1)), _mm256_set1_ps(4))), size);
        _mm256_storeu_ps(p->lengths, _mm256_max_ps(_mm256_loadu_ps(p->lengths), length));
    }
    const int lines = LANES * ((p->steps * SUMMED + 63) / 64), a_tile = lines * p->tile / p->n_query + 1;
    int line = 0;
    for (int row = 0; row < p->n_query; row += p->tile) {
        for (const int end = line + a_tile < lines ? line + a_tile : lines; line < end; line++)
            FETCH(block->ahead[line % LANES] + line / LANES * 64);
        const int rows = p->n_query - row < p->tile ? p->n_query - row : p->tile;
        MULTIPLIERS[rows - 1](p, scales, p->query + (size_t)row * p->steps * SUMMED, p->best + row * LANES,
                              values == NULL ? NULL : values + (size_t)row * CHUNK);
    }
}
