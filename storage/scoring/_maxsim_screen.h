/* MaxSim in two passes: products of bytes choose, exact products decide. Included by _maxsim_256.h and _maxsim_neon.c, which
   multiply.

   The query is rounded to 7 or 8 bits a component, which multiplies several times as fast as 15 do. Where 15 are asked
   for, the quick products of CHUNK tokens are kept. By Cauchy and Schwarz, with c the codes of a token and r what rounding
   took off the query, a product is off by at most |c| |r|. Tokens that cannot be the best by that are left alone; the few
   others (2 to 5 of some hundred, each of the query's) are multiplied again with all 15 bits. The result is that of the
   plain loops to the last bit.

   The includer defines TARGET (attribute of functions), the query's rounding by rounding_unit(), UP (what is added to it), and
     rounding_unit()   how much of an int16 of the query a quick one stands for
     multiply_block()  quick products of LANES tokens with the whole query, times the tokens' scales: the best of each
                       lane, and all of them where they are asked for
     exact_product()   of the codes of a row with a row of the query
     mask_above()      which of LANES floats are above another */

#define LANES 8             /* tokens multiplied side by side */
#define CHUNK 256           /* tokens whose products are kept: 20 KB for a query of 20, within the first-level cache */
#define SUMMED 16           /* dimensions that a step multiplies */

typedef struct {
    int n_query, steps;
    int precise;
    char *transposed;       /* LANES tokens as the kernel wants them */
    int8_t *row_buffer;     /* LANES rows, for those that cannot be read in place */
    int8_t *query;          /* (tiles, steps, rows of the tile, SUMMED) */
    float *units;           /* (n_query): how much of the query's int16 a quick one stands for */
    float *errors;          /* (n_query): largest distance of a quick product from the exact one, in units of |c| */
    float *best;            /* (n_query, LANES) */
    float *values;          /* (n_query, CHUNK) */
    float lengths[LANES];   /* the largest |c| times its scale in this chunk, by lane */
    int tile;               /* rows of the query that are multiplied at a time */
} Prepared;

/* LANES rows that are to be multiplied. Where there are fewer, the last comes again: a maximum is the same. */
typedef struct {
    const int8_t *rows[LANES]; /* each can be read to a multiple of SUMMED bytes */
    float scales[LANES];
    const char *ahead[LANES]; /* rows that come next: while these are multiplied they are fetched */
} Block;

TARGET static void multiply_block(Prepared *p, const Block *block, float *values);

TARGET static Prepared prepare(const Work *w) {
    const int wide = padded(w->dim), steps = (w->dim + SUMMED - 1) / SUMMED, n = w->n_query;
    Prepared p = {.n_query = n, .steps = steps, .precise = w->precise};
    p.tile = (n + TILE - 1) / TILE;
    p.tile = (n + p.tile - 1) / p.tile; /* the last one is not much smaller */
    p.transposed = w->scratch;
    p.row_buffer = (int8_t *)p.transposed + 2 * LANES * wide;
    p.query = p.row_buffer + LANES * wide;
    p.best = (float *)(p.query + (size_t)n * steps * SUMMED);
    p.values = p.best + (size_t)n * LANES;
    p.units = p.values + (w->precise ? (size_t)n * CHUNK : 0);
    p.errors = p.units + n;
    int16_t *values = (int16_t *)p.transposed; /* of a row, with zeros up to a multiple of SUMMED */
    memset(values, 0, 2 * (size_t)wide);
    memset(p.row_buffer, 0, (size_t)LANES * wide);
    for (int row = 0; row < n; row++) {
        const int tile = row / p.tile * p.tile, rows = n - tile < p.tile ? n - tile : p.tile;
        int8_t *target = p.query + ((size_t)tile * steps + row % p.tile) * SUMMED, *rounded = p.row_buffer;
        memcpy(values, w->query + (int64_t)row * w->dim, 2 * (size_t)w->dim);
        const float unit = rounding_unit(values, steps), per_unit = 1 / unit;
        float rest[SUMMED] = {0}, length[SUMMED] = {0}; /* which the compiler adds side by side */
        for (int d = 0; d < steps * SUMMED; d += SUMMED)
            for (int i = 0; i < SUMMED; i++) {
                const float value = (float)values[d + i], quick = rintf(value * per_unit);
                rounded[d + i] = (int8_t)((int)quick + UP);
                rest[i] += (value - quick * unit) * (value - quick * unit);
                length[i] += value * value;
            }
        for (int i = 1; i < SUMMED; i++) rest[0] += rest[i], length[0] += length[i];
        for (int step = 0; step < steps; step++) memcpy(target + step * rows * SUMMED, rounded + step * SUMMED, SUMMED);
        p.units[row] = unit;
        p.errors[row] = 1.001f * sqrtf(rest[0]) + 4e-6f * sqrtf(length[0]); /* rounding of floats, too */
    }
    memset(p.row_buffer, 0, (size_t)wide);
    return p;
}

TARGET INLINE void begin(const Prepared *p) {
    for (int i = 0; i < p->n_query * LANES; i++) p->best[i] = -INFINITY;
}

TARGET INLINE float largest_of(const float *values) {
    float largest = values[0];
    for (int i = 1; i < LANES; i++) largest = values[i] > largest ? values[i] : largest;
    return largest;
}

/* Rows of a page from `first` on, put into the row buffer if they cannot be read in place. */
TARGET INLINE void fill(const Work *w, const Prepared *p, Block *block, ptrdiff_t page, int64_t first) {
    const int64_t n = w->counts[page], row_bytes = w->dim * w->bits / 8;
    const char *scales = w->data + w->starts[page] + 4 * first, *codes = w->data + w->starts[page] + 4 * n;
    const char *following = page + 1 < w->n_pages ? w->data + w->starts[page + 1] : codes;
    const char *ahead = first + LANES < n ? codes + (first + LANES) * row_bytes : following;
    for (int i = 0; i < LANES; i++) block->ahead[i] = ahead + i * row_bytes;
    const int in_place = w->bits == 8 && w->dim % SUMMED == 0;
    if (in_place && first + LANES <= n) {
        memcpy(block->scales, scales, sizeof block->scales);
        for (int i = 0; i < LANES; i++) block->rows[i] = (const int8_t *)codes + (first + i) * row_bytes;
        return;
    }
    for (int i = 0; i < LANES; i++) {
        const int64_t row = first + i < n ? i : n - 1 - first;
        int8_t *buffer = p->row_buffer + i * padded(w->dim);
        const int8_t *values = in_place ? (const int8_t *)codes + (first + row) * row_bytes
                                        : READ_ROW(w, codes, first + row, buffer);
        block->rows[i] = in_place ? values : buffer;
        if (!in_place && values != buffer) memcpy(buffer, values, (size_t)w->dim);
        memcpy(block->scales + i, scales + 4 * row, 4);
    }
}

TARGET INLINE float larger(float one, float other) { return other > one ? other : one; }

/* The exact product of a row of a page with a row of the query. */
TARGET INLINE float exact(const Work *w, const Prepared *p, int q, ptrdiff_t page, int64_t row) {
    const char *scales = w->data + w->starts[page];
    float scale;
    memcpy(&scale, scales + 4 * row, 4);
    const int8_t *values = READ_ROW(w, scales + 4 * w->counts[page], row, p->row_buffer);
    return exact_product(values, w->query + (int64_t)q * w->dim, w->dim) * scale;
}

/* Which of 32 floats are as large as another; beyond the tokens of a chunk lies anything. */
TARGET INLINE uint32_t mask_of_32(const float *values, float least) {
    return mask_above(values, least) | mask_above(values + 8, least) << 8 | mask_above(values + 16, least) << 16 |
           mask_above(values + 24, least) << 24;
}

/* The best of n tokens whose quick products are kept, or `best` if that is better. The one that seems best is multiplied
   exactly; then all that can be better than that. longest: of their |c| times scale. */
TARGET INLINE float decide(const Work *w, const Prepared *p, int q, float longest, ptrdiff_t page, int64_t first, int n,
                           float best) {
    const float *values = p->values + (size_t)q * CHUNK;
    const float unit = p->units[q], error = p->errors[q] * longest, most = largest_of(p->best + q * LANES);
    if (most * unit + error < best) return best;
    int at = 0;
    while (at < n && mask_of_32(values + at, most) == 0) at += 32;
    while (at < n - 1 && values[at] < most) at++;
    if (at < n) best = larger(best, exact(w, p, q, page, first + at));
    float least = (best - error) / unit;
    least -= 1e-6f * fabsf(least);
    for (int i = 0; i < n; i += 32)
        for (uint32_t above = mask_of_32(values + i, least); above != 0; above &= above - 1) {
            const int token = i + lowest_bit(above);
            if (token < n && token != at) best = larger(best, exact(w, p, q, page, first + token));
        }
    return best;
}

TARGET static void maxima_of_pages(const Work *w) {
    Prepared p = prepare(w);
    Block block;
    for (ptrdiff_t page = 0; page < w->n_pages; page++) {
        const int64_t n = w->counts[page];
        float *found = w->found + page * w->n_query;
        begin(&p);
        if (!p.precise) {
            for (int64_t first = 0; first < n; first += LANES) {
                fill(w, &p, &block, page, first);
                multiply_block(&p, &block, NULL);
            }
            for (int q = 0; q < w->n_query; q++) found[q] = largest_of(p.best + q * LANES) * p.units[q] * w->query_scales[q];
            continue;
        }
        for (int q = 0; q < w->n_query; q++) found[q] = -INFINITY;
        for (int64_t chunk = 0; chunk < n; chunk += CHUNK) {
            const int in_chunk = n - chunk < CHUNK ? (int)(n - chunk) : CHUNK;
            memset(p.lengths, 0, sizeof p.lengths);
            begin(&p);
            for (int at = 0; at < in_chunk; at += LANES) {
                fill(w, &p, &block, page, chunk + at);
                multiply_block(&p, &block, p.values + at);
            }
            const float longest = largest_of(p.lengths) * 128 / 127;
            for (int q = 0; q < w->n_query; q++) found[q] = decide(w, &p, q, longest, page, chunk, in_chunk, found[q]);
        }
        for (int q = 0; q < w->n_query; q++) found[q] *= w->query_scales[q];
    }
}

/* MaxSim of many small pages of n_slots rows each: lanes are pages instead of rows of a page. */
TARGET static void scan_pages(const Work *w, int n_slots) {
    Prepared p = prepare(w);
    Block block;
    for (ptrdiff_t at = 0; at < w->n_pages; at += LANES) {
        const ptrdiff_t page = at + LANES <= w->n_pages ? at : w->n_pages - LANES; /* the last ones overlap */
        const ptrdiff_t next = page + 2 * LANES <= w->n_pages ? page + LANES : page;
        begin(&p);
        for (int slot = 0; slot < n_slots; slot++) {
            for (int i = 0; i < LANES; i++) {
                const ptrdiff_t row = 4 * n_slots + (ptrdiff_t)slot * w->dim;
                memcpy(block.scales + i, w->data + w->starts[page + i] + 4 * slot, 4);
                block.rows[i] = (const int8_t *)w->data + w->starts[page + i] + row;
                block.ahead[i] = w->data + w->starts[next + i] + row;
            }
            multiply_block(&p, &block, NULL);
        }
        float sums[LANES] = {0};
        for (int q = 0; q < w->n_query; q++)
            for (int i = 0; i < LANES; i++) sums[i] += p.best[q * LANES + i] * (p.units[q] * w->query_scales[q]);
        memcpy(w->found + page, sums, sizeof sums);
    }
}
