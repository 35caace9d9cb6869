/* The AVX2 kernel: see _maxsim.c for what it computes and how. */

#include "_maxsim.h"

#if X86
#define BLOCK 16            /* tokens transposed at a time: two registers of 8 lanes */
#define TILE 6              /* query rows multiplied at a time: 12 sums, 2 token registers, 1 of the query */
#define QUICK_MAX 63        /* of the query in 7 bits: a byte of codes times it, twice, stays an int16 */

/* 16 rows that are to be multiplied. Where a page has fewer, one of them comes again: a maximum is the same. */
typedef struct {
    const int8_t *rows[BLOCK];
    float scales[BLOCK];
    const char *ahead[BLOCK]; /* rows that come next: while these are multiplied they are fetched, a line a step */
} Block;

/* 8 registers of 8 rows -> the same 32 bits of all 8 rows in each, `stride` bytes apart. */
AVX2 INLINE void transpose(const __m256i *r, char *to, int stride) {
    const __m256i a0 = _mm256_unpacklo_epi32(r[0], r[1]), a1 = _mm256_unpackhi_epi32(r[0], r[1]);
    const __m256i a2 = _mm256_unpacklo_epi32(r[2], r[3]), a3 = _mm256_unpackhi_epi32(r[2], r[3]);
    const __m256i a4 = _mm256_unpacklo_epi32(r[4], r[5]), a5 = _mm256_unpackhi_epi32(r[4], r[5]);
    const __m256i a6 = _mm256_unpacklo_epi32(r[6], r[7]), a7 = _mm256_unpackhi_epi32(r[6], r[7]);
    const __m256i left[4] = {_mm256_unpacklo_epi64(a0, a2), _mm256_unpackhi_epi64(a0, a2),
                             _mm256_unpacklo_epi64(a1, a3), _mm256_unpackhi_epi64(a1, a3)};
    const __m256i right[4] = {_mm256_unpacklo_epi64(a4, a6), _mm256_unpackhi_epi64(a4, a6),
                              _mm256_unpacklo_epi64(a5, a7), _mm256_unpackhi_epi64(a5, a7)};
    for (int i = 0; i < 4; i++) {
        _mm256_store_si256((__m256i *)(to + i * stride), _mm256_permute2x128_si256(left[i], right[i], 0x20));
        _mm256_store_si256((__m256i *)(to + (i + 4) * stride), _mm256_permute2x128_si256(left[i], right[i], 0x31));
    }
}

/* Pairs of int16: (dim / 2, 16 rows, 2). */
AVX2 INLINE void transpose_words(const Block *block, char *to, int dim) {
    for (int at = 0; at < dim; at += 16)
        for (int half = 0; half < 2; half++) {
            __m256i r[8];
            for (int i = 0; i < 8; i++)
                r[i] = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(block->rows[8 * half + i] + at)));
            transpose(r, to + at / 2 * 64 + 32 * half, 64);
        }
}

/* Fours of bytes, moved up by 128: (dim / 4, 16 rows, 4). */
AVX2 INLINE void transpose_bytes(const Block *block, char *to, int dim) {
    const __m256i up = _mm256_set1_epi8((char)0x80);
    for (int at = 0; at < dim; at += 32)
        for (int half = 0; half < 2; half++) {
            __m256i r[8];
            for (int i = 0; i < 8; i++)
                r[i] = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(block->rows[8 * half + i] + at)), up);
            transpose(r, to + at / 4 * 64 + 32 * half, 64);
        }
}

/* Multiply a transposed block by `rows` rows of the query, and keep the best of each lane.
   The sums are 12 variables by name: an array of them is kept in memory by some compilers. */
#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)
#define BEGIN(r) __m256i a##r = _mm256_set1_epi32(r < rows ? offsets[r] : 0), b##r = a##r;
/* By hand, for gcc 12 copies the sums to and fro. */
#define MULTIPLY_ADD(sum, tokens) \
    { \
        __m256i product; \
        if (quick) \
            __asm__("vpmaddubsw %3, %2, %1\n\tvpmaddwd %4, %1, %1\n\tvpaddd %1, %0, %0" \
                    : "+x"(sum), "=&x"(product) : "x"(tokens), "x"(q), "x"(ones)); \
        else __asm__("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0" : "+x"(sum), "=&x"(product) : "x"(tokens), "x"(q)); \
    }
#define ADD(r) \
    if (r < rows) { \
        const __m256i q = _mm256_set1_epi32(query[step * rows + r]); \
        MULTIPLY_ADD(a##r, left) \
        MULTIPLY_ADD(b##r, right) \
    }
#define KEEP(r) \
    if (r < rows) { \
        best[2 * r] = _mm256_max_ps(best[2 * r], _mm256_mul_ps(_mm256_cvtepi32_ps(a##r), scales[0])); \
        best[2 * r + 1] = _mm256_max_ps(best[2 * r + 1], _mm256_mul_ps(_mm256_cvtepi32_ps(b##r), scales[1])); \
    }
AVX2 INLINE void multiply(const int rows, const int quick, const char *transposed, int steps, const int32_t *query,
                          const int32_t *offsets, const __m256 *scales, __m256 *best, const char *const *ahead) {
    const __m256i ones = _mm256_set1_epi16(1);
    EACH_ROW(BEGIN)
    for (int step = 0; step < steps; step++) {
        const __m256i left = _mm256_load_si256((const __m256i *)(transposed + 64 * step));
        const __m256i right = _mm256_load_si256((const __m256i *)(transposed + 64 * step + 32));
        _mm_prefetch(ahead[step % BLOCK] + step / BLOCK * (quick ? 64 : 32), _MM_HINT_T0);
        EACH_ROW(ADD)
    }
    EACH_ROW(KEEP)
}

typedef void (*Multiply)(const char *, int, const int32_t *, const int32_t *, const __m256 *, __m256 *, const char *const *);
#define MULTIPLY(rows, quick) \
    AVX2 static void multiply_##rows##_##quick(const char *transposed, int steps, const int32_t *query, \
                                               const int32_t *offsets, const __m256 *scales, __m256 *best, \
                                               const char *const *ahead) { \
        multiply(rows, quick, transposed, steps, query, offsets, scales, best, ahead); \
    }
#define BOTH(rows) MULTIPLY(rows, 0) MULTIPLY(rows, 1)
BOTH(1) BOTH(2) BOTH(3) BOTH(4) BOTH(5) BOTH(6)
#define ENTRY(rows) {multiply_##rows##_0, multiply_##rows##_1}
static const Multiply MULTIPLIERS[TILE][2] = {ENTRY(1), ENTRY(2), ENTRY(3), ENTRY(4), ENTRY(5), ENTRY(6)};

/* The query as the instructions want it, and where everything lies in the scratch memory. */
typedef struct {
    int quick, tile, n_tiles, steps;
    Multiply multiply;
    char *transposed;
    int8_t *row_buffer;     /* BLOCK rows, for those that cannot be read in place */
    int32_t *query;         /* (n_tiles, steps, tile) of 2 or 4 dimensions */
    int32_t *offsets;       /* (n_tiles, tile) */
    __m256 *best;           /* (n_tiles * tile, 2) */
    float unit;
} Prepared;

static Prepared prepare(const Work *w) {
    Prepared p = {0};
    const int wide = padded(w->dim);
    p.quick = !w->precise && w->dim % 32 == 0;
    p.unit = p.quick ? 32512.0f / QUICK_MAX : 1;
    p.steps = w->dim / (p.quick ? 4 : 2);
    p.n_tiles = (w->n_query + TILE - 1) / TILE;
    p.tile = (w->n_query + p.n_tiles - 1) / p.n_tiles;
    p.multiply = MULTIPLIERS[p.tile - 1][p.quick];
    p.transposed = w->scratch;
    p.row_buffer = (int8_t *)(p.transposed + 2 * BLOCK * wide);
    p.query = (int32_t *)(p.row_buffer + BLOCK * wide);
    p.offsets = p.query + (size_t)p.n_tiles * p.steps * p.tile;
    p.best = (__m256 *)(((uintptr_t)(p.offsets + p.n_tiles * p.tile) + 63) / 64 * 64);
    memset(p.query, 0, (size_t)p.n_tiles * p.steps * p.tile * 4);
    memset(p.offsets, 0, (size_t)p.n_tiles * p.tile * 4);
    for (int row = 0; row < w->n_query; row++) {
        const int16_t *values = w->query + (int64_t)row * w->dim;
        int32_t *target = p.query + (size_t)(row / p.tile) * p.steps * p.tile + row % p.tile;
        for (int d = 0; d < w->dim; d++)
            if (p.quick) {
                const int8_t value = (int8_t)lrintf(values[d] / p.unit);
                ((int8_t *)(target + d / 4 * p.tile))[d % 4] = value;
                p.offsets[row] -= 128 * value;
            } else ((int16_t *)(target + d / 2 * p.tile))[d % 2] = values[d];
    }
    return p;
}

AVX2 INLINE void begin_page(const Prepared *p) {
    for (int i = 0; i < 2 * p->n_tiles * p->tile; i++) p->best[i] = _mm256_set1_ps(-INFINITY);
}

AVX2 INLINE void multiply_block(const Work *w, const Prepared *p, const Block *block) {
    if (p->quick) transpose_bytes(block, p->transposed, w->dim);
    else transpose_words(block, p->transposed, w->dim);
    const __m256 scales[2] = {_mm256_loadu_ps(block->scales), _mm256_loadu_ps(block->scales + 8)};
    for (int t = 0; t < p->n_tiles; t++)
        p->multiply(p->transposed, p->steps, p->query + (size_t)t * p->steps * p->tile, p->offsets + t * p->tile, scales,
                    p->best + 2 * t * p->tile, block->ahead);
}

AVX2 INLINE float largest(__m256 values) {
    __m128 half = _mm_max_ps(_mm256_castps256_ps128(values), _mm256_extractf128_ps(values, 1));
    half = _mm_max_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}

AVX2 void maxima_transposed(const Work *w) {
    const Prepared p = prepare(w);
    const int wide = padded(w->dim), row_bytes = w->dim * w->bits / 8;
    Block block;
    for (ptrdiff_t page = 0; page < w->n_pages; page++) {
        const int64_t n = w->counts[page];
        const char *scales = w->data + w->starts[page], *codes = scales + 4 * n;
        const char *following = page + 1 < w->n_pages ? w->data + w->starts[page + 1] + 4 * w->counts[page + 1] : codes;
        begin_page(&p);
        for (int64_t first = 0; first < n; first += BLOCK) {
            const int in_block = n - first < BLOCK ? (int)(n - first) : BLOCK;
            for (int i = 0; i < BLOCK; i++) {
                const int row = i < in_block ? i : in_block - 1;
                block.rows[i] = w->bits == 8   ? (const int8_t *)codes + (first + row) * w->dim
                                : i < in_block ? read_row(w, codes, first + i, p.row_buffer + i * wide)
                                               : block.rows[row];
                memcpy(block.scales + i, scales + 4 * (first + row), 4);
                block.ahead[i] = (first + BLOCK < n ? codes + (first + BLOCK) * row_bytes : following) + i * row_bytes;
            }
            multiply_block(w, &p, &block);
        }
        float *found = w->found + page * w->n_query;
        for (int q = 0; q < w->n_query; q++)
            found[q] = largest(_mm256_max_ps(p.best[2 * q], p.best[2 * q + 1])) * w->query_scales[q] * p.unit;
    }
}

/* MaxSim of many small pages of n_slots rows each: lanes are pages instead of rows of a page. */
AVX2 void scan_avx2(const Work *w, int n_slots) {
    const Prepared p = prepare(w);
    Block block;
    for (ptrdiff_t at = 0; at < w->n_pages; at += BLOCK) {
        const ptrdiff_t page = at + BLOCK <= w->n_pages ? at : w->n_pages - BLOCK; /* the last ones overlap */
        const ptrdiff_t next = page + 2 * BLOCK <= w->n_pages ? page + BLOCK : page;
        begin_page(&p);
        for (int slot = 0; slot < n_slots; slot++) {
            for (int i = 0; i < BLOCK; i++) {
                const char *start = w->data + w->starts[page + i];
                memcpy(block.scales + i, start + 4 * slot, 4);
                block.rows[i] = (const int8_t *)start + 4 * n_slots + slot * w->dim;
                block.ahead[i] = w->data + w->starts[next + i] + slot * w->dim;
            }
            multiply_block(w, &p, &block);
        }
        __m256 left = _mm256_setzero_ps(), right = _mm256_setzero_ps();
        for (int q = 0; q < w->n_query; q++) {
            const __m256 scale = _mm256_set1_ps(w->query_scales[q] * p.unit);
            left = _mm256_add_ps(left, _mm256_mul_ps(p.best[2 * q], scale));
            right = _mm256_add_ps(right, _mm256_mul_ps(p.best[2 * q + 1], scale));
        }
        _mm256_storeu_ps(w->found + page, left);
        _mm256_storeu_ps(w->found + page + 8, right);
    }
}
#endif
