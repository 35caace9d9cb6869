/* The AVX512-VNNI kernel: see _maxsim.c for what it computes and how. */

#include "_maxsim.h"

#if X86
#define BLOCK 32            /* tokens transposed at a time */
#define TILE 12             /* query rows multiplied at a time: 24 sums, 2 token registers and 1 of the query */

/* 32 rows that are to be multiplied. */
typedef struct {
    const int8_t *rows[BLOCK]; /* each can be read to a multiple of 16 bytes */
    __m512 scales[2];
    __mmask16 valid[2];     /* the last block of a page has fewer rows that count */
    ptrdiff_t page;
    int64_t first;          /* row of the page, or slot of the pages */
    const char **ahead;     /* (2 * groups) cache lines that will be read after it */
} Block;

/* 16 rows of 16 bytes -> 4 registers: the same 4 bytes of all 16 rows in each. */
VNNI INLINE void transpose(const int8_t *const *rows, int at, char *block) {
    __m512i r[4];
    for (int i = 0; i < 4; i++) {
        __m512i z = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(rows[i] + at)));
        z = _mm512_inserti32x4(z, _mm_loadu_si128((const __m128i *)(rows[i + 4] + at)), 1);
        z = _mm512_inserti32x4(z, _mm_loadu_si128((const __m128i *)(rows[i + 8] + at)), 2);
        z = _mm512_inserti32x4(z, _mm_loadu_si128((const __m128i *)(rows[i + 12] + at)), 3);
        r[i] = _mm512_xor_si512(z, _mm512_set1_epi8((char)0x80));
    }
    __m512i a = _mm512_unpacklo_epi32(r[0], r[1]), b = _mm512_unpackhi_epi32(r[0], r[1]);
    __m512i c = _mm512_unpacklo_epi32(r[2], r[3]), d = _mm512_unpackhi_epi32(r[2], r[3]);
    _mm512_store_si512(block, _mm512_unpacklo_epi64(a, c));
    _mm512_store_si512(block + 4 * BLOCK, _mm512_unpackhi_epi64(a, c));
    _mm512_store_si512(block + 8 * BLOCK, _mm512_unpacklo_epi64(b, d));
    _mm512_store_si512(block + 12 * BLOCK, _mm512_unpackhi_epi64(b, d));
}

/* A sixteenth of a block of 128 dimensions. */
VNNI INLINE void transpose_part(const Block *block, char *transposed, int part) {
    const int half = part % 2, at = part / 2 * 16;
    transpose(block->rows + 16 * half, at, transposed + at * BLOCK + 64 * half);
}

/* Multiply a transposed block by `rows` rows of the query (pairs of planes, if there are two), and keep the best of each
   lane: 2 registers a row. Meanwhile transpose the next block, a part every two steps: shuffles and multiplications
   have pipes of their own. And fetch what comes `ahead`, a little at a time: in one go it would wait for the memory;
   nothing twice, which was 6% slower.
   The sums are 24 variables by name: an array of them is kept in memory by some compilers. */
#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
#define EACH_PAIR(DO) DO(0, 1) DO(2, 3) DO(4, 5) DO(6, 7) DO(8, 9) DO(10, 11)
/* _mm512_dpbusd_epi32, for which gcc 12 copies the sum to and fro: 1.6 times slower. */
#define MULTIPLY_ADD(sum, tokens, query) __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(tokens), "v"(query))
#define BEGIN(r) __m512i a##r = _mm512_set1_epi32(r < rows ? offsets[r] : 0), b##r = a##r;
#define ADD(r) \
    if (r < rows) { \
        const __m512i q = _mm512_set1_epi32(query[g * rows + r]); \
        MULTIPLY_ADD(a##r, left, q); \
        MULTIPLY_ADD(b##r, right, q); \
    }
#define FLOATS(sum) _mm512_cvtepi32_ps(sum)
#define KEEP(to, half, dot) \
    best[2 * (to) + half] = \
        _mm512_mask_max_ps(best[2 * (to) + half], block->valid[half], best[2 * (to) + half], \
                           _mm512_mul_ps(dot, block->scales[half]));
#define KEEP_ONE(r) \
    if (r < rows) { \
        KEEP(r, 0, FLOATS(a##r)) \
        KEEP(r, 1, FLOATS(b##r)) \
    }
#define KEEP_TWO(r, s) \
    if (r < rows) { \
        KEEP(r / 2, 0, _mm512_fmadd_ps(FLOATS(a##r), upper, FLOATS(a##s))) \
        KEEP(r / 2, 1, _mm512_fmadd_ps(FLOATS(b##r), upper, FLOATS(b##s))) \
    }

enum { LATER_TILE, FIRST_TILE, ONLY_TILE };
VNNI INLINE void multiply(const int rows, const int planes, const int role, const char *transposed, int groups,
                          const int32_t *query, const int32_t *offsets, const Block *block, __m512 *best,
                          const Block *next, char *next_transposed, const char *const *ahead) {
    EACH_ROW(BEGIN)
    for (int g = 0; g < groups; g++) {
        const __m512i left = _mm512_load_si512(transposed + 4 * BLOCK * g);
        const __m512i right = _mm512_load_si512(transposed + 4 * BLOCK * g + 64);
        _mm_prefetch(ahead[g], _MM_HINT_T0);
        if (role == ONLY_TILE) _mm_prefetch(ahead[groups + g], _MM_HINT_T0);
        if (role != LATER_TILE && g % 2 == 0) transpose_part(next, next_transposed, g / 2);
        EACH_ROW(ADD)
    }
    if (planes == 1) {
        EACH_ROW(KEEP_ONE)
    } else {
        const __m512 upper = _mm512_set1_ps(256);
        EACH_PAIR(KEEP_TWO)
    }
}

typedef void (*Multiply)(const char *, int, const int32_t *, const int32_t *, const Block *, __m512 *, const Block *, char *,
                         const char *const *);
#define MULTIPLY(name, rows, planes, role) \
    VNNI static void name(const char *transposed, int groups, const int32_t *query, const int32_t *offsets, \
                          const Block *block, __m512 *best, const Block *next, char *next_transposed, \
                          const char *const *ahead) { \
        multiply(rows, planes, role, transposed, groups, query, offsets, block, best, next, next_transposed, ahead); \
    }
#define ROLES(rows, planes) \
    MULTIPLY(multiply_##rows##_##planes##_later, rows, planes, LATER_TILE) \
    MULTIPLY(multiply_##rows##_##planes##_first, rows, planes, FIRST_TILE) \
    MULTIPLY(multiply_##rows##_##planes##_only, rows, planes, ONLY_TILE)
#define ALL_OF(rows) ROLES(rows, 1) ROLES(rows, 2)
ALL_OF(4) ALL_OF(6) ALL_OF(8) ALL_OF(10) ALL_OF(12)
#define NAMES(rows, planes) \
    {multiply_##rows##_##planes##_later, multiply_##rows##_##planes##_first, multiply_##rows##_##planes##_only}
#define ENTRY(rows) {NAMES(rows, 1), NAMES(rows, 2)}
static const Multiply MULTIPLIERS[][2][3] = {ENTRY(4), ENTRY(6), ENTRY(8), ENTRY(10), ENTRY(12)};

/* The query as the instruction wants it, and where everything lies in the scratch memory. */
typedef struct {
    int planes, tile, n_tiles, groups;
    const Multiply *multiply; /* by role */
    char *transposed[2];    /* groups of 4 dimensions of 32 tokens: of this block and the next */
    int8_t *row_buffer;     /* 32 rows, for those that cannot be read in place */
    int32_t *query;         /* (n_tiles, groups, tile) */
    int32_t *offsets;       /* (n_tiles, tile) */
    __m512 *best;           /* (n_tiles * tile / planes, 2) */
    const char **ahead[2];  /* of a block and the next */
    float unit;             /* the sums of one plane are of upper bytes */
} Prepared;

static Prepared prepare(const Work *w) {
    Prepared p = {0};
    const int wide = padded(w->dim), n_rows = w->n_query * (w->precise ? 2 : 1);
    p.planes = w->precise ? 2 : 1;
    p.unit = w->precise ? 1 : 256;
    p.groups = (w->dim + 15) / 16 * 4; /* transposed are 16 dimensions at a time; beyond the query's they are times 0 */
    p.tile = TILE; /* the one that leaves the fewest rows empty at the end; larger ones first */
    for (int size = TILE; size >= 4; size -= 2)
        if ((n_rows + size - 1) / size * size < (n_rows + p.tile - 1) / p.tile * p.tile) p.tile = size;
    p.n_tiles = (n_rows + p.tile - 1) / p.tile;
    p.multiply = MULTIPLIERS[p.tile / 2 - 2][p.planes - 1];
    p.transposed[0] = w->scratch;
    p.transposed[1] = p.transposed[0] + BLOCK * wide;
    p.row_buffer = (int8_t *)(p.transposed[1] + BLOCK * wide);
    p.query = (int32_t *)(p.row_buffer + BLOCK * wide);
    p.offsets = p.query + (size_t)p.n_tiles * p.groups * p.tile;
    p.best = (__m512 *)(((uintptr_t)(p.offsets + p.n_tiles * p.tile) + 63) / 64 * 64);
    p.ahead[0] = (const char **)(p.best + 2 * p.n_tiles * p.tile / p.planes);
    p.ahead[1] = p.ahead[0] + 2 * p.groups;
    memset(p.row_buffer, 0, (size_t)BLOCK * wide);
    memset(p.query, 0, (size_t)p.n_tiles * p.groups * p.tile * 4);
    memset(p.offsets, 0, (size_t)p.n_tiles * p.tile * 4);
    for (int row = 0; row < n_rows; row++) {
        const int16_t *values = w->query + (int64_t)(row / p.planes) * w->dim;
        int8_t *target = (int8_t *)(p.query + (size_t)(row / p.tile) * p.groups * p.tile + row % p.tile);
        for (int d = 0; d < w->dim; d++) {
            int upper = (values[d] + 128) >> 8;
            int8_t value = (int8_t)(row % p.planes ? values[d] - 256 * upper : upper);
            target[(d / 4) * p.tile * 4 + d % 4] = value;
            p.offsets[row] -= 128 * value;
        }
    }
    return p;
}

VNNI INLINE void begin_page(const Prepared *p) {
    for (int i = 0; i < 2 * p->n_tiles * p->tile / p->planes; i++) p->best[i] = _mm512_set1_ps(-INFINITY);
}

VNNI INLINE void begin(const Prepared *p, const Block *first) {
    for (int part = 0; part < p->groups / 2; part++) transpose_part(first, p->transposed[0], part);
    begin_page(p);
}

/* `turn` says where the block was transposed to; the next goes to the other place. */
VNNI INLINE void multiply_block(const Prepared *p, int turn, const Block *blocks) {
    const Block *block = blocks + turn, *next = blocks + !turn;
    for (int t = 0; t < p->n_tiles; t++)
        p->multiply[p->n_tiles == 1 ? ONLY_TILE : t == 0 ? FIRST_TILE : LATER_TILE](
            p->transposed[turn], p->groups, p->query + (size_t)t * p->groups * p->tile, p->offsets + t * p->tile, block,
            p->best + 2 * t * p->tile / p->planes, next, p->transposed[!turn], next->ahead + (t % 2) * p->groups);
}

/* The rows of a page from `first` on, put into the row buffer if they cannot be read in place. */
VNNI INLINE void page_block(const Work *w, const Prepared *p, Block *block, ptrdiff_t page, int64_t first) {
    const int64_t n = w->counts[page];
    const int wide = padded(w->dim), row_bytes = w->dim * w->bits / 8;
    const int in_block = n - first < BLOCK ? (int)(n - first) : BLOCK, last_page = page + 1 == w->n_pages;
    const char *scales = w->data + w->starts[page] + 4 * first, *codes = w->data + w->starts[page] + 4 * n;
    const char *following = last_page ? w->data : w->data + w->starts[page + 1];
    if (first == 0)
        for (int at = 0; at < 2; at++) _mm_prefetch(following + 64 * at, _MM_HINT_T0); /* scales */
    if (in_block == BLOCK && w->bits == 8 && w->dim % 16 == 0) {
        for (int i = 0; i < BLOCK; i++) block->rows[i] = (const int8_t *)codes + (first + i) * row_bytes;
    } else {
        for (int i = 0; i < BLOCK; i++) block->rows[i] = p->row_buffer + i * wide;
        for (int i = 0; i < in_block; i++) {
            int8_t *buffer = p->row_buffer + i * wide;
            const int8_t *values = read_row(w, codes, first + i, buffer);
            if (values != buffer) memcpy(buffer, values, (size_t)w->dim);
        }
    }
    const uint32_t valid = in_block == BLOCK ? ~0u : (1u << in_block) - 1;
    for (int half = 0; half < 2; half++) {
        block->valid[half] = (__mmask16)(valid >> 16 * half);
        block->scales[half] = _mm512_maskz_loadu_ps(block->valid[half], scales + 64 * half);
    }
    block->page = page;
    block->first = first;
    const char *ahead = first + BLOCK < n ? codes + (first + BLOCK) * row_bytes
                                          : following + (last_page ? 0 : 4 * w->counts[page + 1]);
    for (int i = 0; i < 2 * p->groups; i++) block->ahead[i] = ahead + 64 * i;
}

VNNI void maxima_vnni(const Work *w) {
    if (w->n_pages == 0) return;
    const Prepared p = prepare(w);
    Block blocks[2] = {{.ahead = p.ahead[0]}, {.ahead = p.ahead[1]}};
    page_block(w, &p, blocks, 0, 0);
    begin(&p, blocks);
    for (int turn = 0, end = 0; !end; turn = !turn) {
        const ptrdiff_t page = blocks[turn].page;
        const int64_t next_row = blocks[turn].first + BLOCK;
        const int page_ends = next_row >= w->counts[page];
        end = page_ends && page + 1 == w->n_pages;
        if (end) blocks[!turn] = blocks[turn]; /* and it is transposed once more, for nothing */
        else page_block(w, &p, blocks + !turn, page + page_ends, page_ends ? 0 : next_row);
        multiply_block(&p, turn, blocks);
        if (page_ends) {
            float *found = w->found + page * w->n_query;
            for (int q = 0; q < w->n_query; q++)
                found[q] = _mm512_reduce_max_ps(_mm512_max_ps(p.best[2 * q], p.best[2 * q + 1])) * w->query_scales[q] * p.unit;
            begin_page(&p);
        }
    }
}

/* One row of each of 32 pages of n_slots rows. */
VNNI INLINE void slot_block(const Work *w, const Prepared *p, int n_slots, Block *block, ptrdiff_t page, int64_t slot) {
    float scales[BLOCK];
    for (int i = 0; i < BLOCK; i++) {
        const char *start = w->data + w->starts[page + i];
        memcpy(scales + i, start + 4 * slot, 4);
        block->rows[i] = (const int8_t *)start + 4 * n_slots + slot * w->dim;
    }
    for (int half = 0; half < 2; half++) {
        block->valid[half] = 0xffff;
        block->scales[half] = _mm512_loadu_ps(scales + 16 * half);
    }
    block->page = page;
    block->first = slot;
    /* With each slot a part of the next 32 pages: the lines of one page after those of another. */
    const ptrdiff_t next = page + 2 * BLOCK <= w->n_pages ? page + BLOCK : w->n_pages - BLOCK;
    const int lines = p->groups / (BLOCK / 2);
    for (int i = 0; i < 2 * p->groups; i++)
        block->ahead[i] = w->data + w->starts[next + i % BLOCK] + (slot * lines + i / BLOCK) * 64;
}

/* MaxSim of many small pages of n_slots rows each: lanes are pages instead of rows of a page. */
VNNI void scan_vnni(const Work *w, int n_slots) {
    const Prepared p = prepare(w);
    Block blocks[2] = {{.ahead = p.ahead[0]}, {.ahead = p.ahead[1]}};
    slot_block(w, &p, n_slots, blocks, 0, 0);
    begin(&p, blocks);
    for (int turn = 0, end = 0; !end; turn = !turn) {
        const ptrdiff_t page = blocks[turn].page, next = page + BLOCK;
        const int64_t next_slot = blocks[turn].first + 1;
        const int pages_end = next_slot == n_slots;
        end = pages_end && next == w->n_pages;
        if (end) blocks[!turn] = blocks[turn];
        else if (!pages_end) slot_block(w, &p, n_slots, blocks + !turn, page, next_slot);
        else /* the last ones overlap with those before; there are at least BLOCK */
            slot_block(w, &p, n_slots, blocks + !turn, next + BLOCK > w->n_pages ? w->n_pages - BLOCK : next, 0);
        multiply_block(&p, turn, blocks);
        if (pages_end) {
            __m512 left = _mm512_setzero_ps(), right = _mm512_setzero_ps();
            for (int q = 0; q < w->n_query; q++) {
                const __m512 scale = _mm512_set1_ps(w->query_scales[q] * p.unit);
                left = _mm512_fmadd_ps(p.best[2 * q], scale, left);
                right = _mm512_fmadd_ps(p.best[2 * q + 1], scale, right);
            }
            _mm512_storeu_ps(w->found + page, left);
            _mm512_storeu_ps(w->found + page + 16, right);
            begin_page(&p);
        }
    }
}
#endif
