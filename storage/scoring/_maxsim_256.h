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

/* Added up: the squares of 4 dimensions of 8 tokens. 128 does not fit both sides and counts as 127. */
TARGET INLINE __m256i squares_of(__m256i x) {
    const __m256i size = _mm256_min_epu8(_mm256_abs_epi8(x), _mm256_set1_epi8(127));
    return _mm256_madd_epi16(_mm256_maddubs_epi16(size, size), _mm256_set1_epi16(1));
}

TARGET INLINE __m256i two_rows(const int8_t *one, const int8_t *other) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)one)),
                                   _mm_loadu_si128((const __m128i *)other), 1);
}

/* A step of a block: 16 bytes of 8 rows -> 4 registers, the same 4 bytes of all 8 rows in each, and what is to be taken off.
   Returns the squares of the 16 added up, if they are wanted. */
TARGET INLINE __m256i transpose(const Prepared *p, const Block *block, int step, const int lengths) {
    const int8_t *const *rows = block->rows;
    const int at = step * SUMMED;
    const __m256i r0 = two_rows(rows[0] + at, rows[4] + at), r1 = two_rows(rows[1] + at, rows[5] + at);
    const __m256i r2 = two_rows(rows[2] + at, rows[6] + at), r3 = two_rows(rows[3] + at, rows[7] + at);
    const __m256i a = _mm256_unpacklo_epi32(r0, r1), b = _mm256_unpackhi_epi32(r0, r1);
    const __m256i c = _mm256_unpacklo_epi32(r2, r3), d = _mm256_unpackhi_epi32(r2, r3);
    const __m256i x0 = _mm256_unpacklo_epi64(a, c), x1 = _mm256_unpackhi_epi64(a, c);
    const __m256i x2 = _mm256_unpacklo_epi64(b, d), x3 = _mm256_unpackhi_epi64(b, d);
    __m256i *to = (__m256i *)(p->transposed + step * STEP_BYTES);
    _mm256_store_si256(to, x0);
    _mm256_store_si256(to + 1, x1);
    _mm256_store_si256(to + 2, x2);
    _mm256_store_si256(to + 3, x3);
    _mm256_store_si256(to + 4, take_off(x0, x1, x2, x3));
    for (int i = 0; i < 2; i++) FETCH(block->ahead[(2 * step + i) % LANES] + 2 * step / LANES * 64);
    if (!lengths) return _mm256_setzero_si256();
    return _mm256_add_epi32(_mm256_add_epi32(squares_of(x0), squares_of(x1)), _mm256_add_epi32(squares_of(x2), squares_of(x3)));
}

/* The first tile transposes for the others, and fetches what comes next: between the products there is time for it.
   The sums are 8 variables by name: an array of them is kept in memory by some compilers. */
enum { LATER_TILE, FIRST_TILE, FIRST_WITH_LENGTHS };
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
TARGET INLINE __m256i multiply(const int rows, const int role, const Prepared *p, const Block *block, const int8_t *query,
                               float *best, float *values) {
    const __m256 scales = _mm256_loadu_ps(block->scales);
    __m256i squares = _mm256_setzero_si256();
    EACH_ROW(BEGIN)
    if (role != LATER_TILE) squares = transpose(p, block, 0, role == FIRST_WITH_LENGTHS);
    for (int step = 0; step < p->steps; step++, query += rows * SUMMED) {
        if (role != LATER_TILE && step + 1 < p->steps)
            squares = _mm256_add_epi32(squares, transpose(p, block, step + 1, role == FIRST_WITH_LENGTHS));
        const __m256i *x = (const __m256i *)(p->transposed + step * STEP_BYTES);
        const __m256i x0 = _mm256_load_si256(x), x1 = _mm256_load_si256(x + 1), x2 = _mm256_load_si256(x + 2);
        const __m256i x3 = _mm256_load_si256(x + 3), off = _mm256_load_si256(x + 4);
        EACH_ROW(ADD)
    }
    EACH_ROW(KEEP)
    return squares;
}

typedef __m256i (*Multiply)(const Prepared *, const Block *, const int8_t *, float *, float *);
#define MULTIPLY(rows, role) \
    TARGET static __m256i multiply_##rows##_##role(const Prepared *p, const Block *block, const int8_t *query, float *best, \
                                                   float *values) { \
        return multiply(rows, role, p, block, query, best, values); \
    }
#define ROLES(rows) MULTIPLY(rows, LATER_TILE) MULTIPLY(rows, FIRST_TILE) MULTIPLY(rows, FIRST_WITH_LENGTHS)
ROLES(1) ROLES(2) ROLES(3) ROLES(4) ROLES(5) ROLES(6) ROLES(7) ROLES(8)
#define NAMES(rows) {multiply_##rows##_LATER_TILE, multiply_##rows##_FIRST_TILE, multiply_##rows##_FIRST_WITH_LENGTHS}
static const Multiply MULTIPLIERS[TILE][3] = {NAMES(1), NAMES(2), NAMES(3), NAMES(4), NAMES(5), NAMES(6), NAMES(7), NAMES(8)};

TARGET static void multiply_block(Prepared *p, const Block *block, float *values) {
    const int first = values == NULL ? FIRST_TILE : FIRST_WITH_LENGTHS;
    for (int row = 0; row < p->n_query; row += p->tile) {
        const int rows = p->n_query - row < p->tile ? p->n_query - row : p->tile;
        const __m256i squares = MULTIPLIERS[rows - 1][row == 0 ? first : LATER_TILE](
            p, block, p->query + (size_t)row * p->steps * SUMMED, p->best + row * LANES,
            values == NULL ? NULL : values + (size_t)row * CHUNK);
        if (row == 0 && values != NULL) {
            const __m256 size = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), _mm256_loadu_ps(block->scales));
            const __m256 length = _mm256_mul_ps(_mm256_sqrt_ps(_mm256_cvtepi32_ps(squares)), size);
            _mm256_storeu_ps(p->lengths, _mm256_max_ps(_mm256_loadu_ps(p->lengths), length));
        }
    }
}
