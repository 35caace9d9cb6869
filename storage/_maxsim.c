/* MaxSim of one query over encoded pages, read where they lie.

A page is n float32 scales, then n rows of codes. A row is dim int8 values (8 bits), or packed codes of 4 or 2 bits that
a table turns into int8 values, several of them a byte. The value of a row is its int8 values times its scale.

The query comes as int16, 256 times what an int8 would be, with a float32 scale a row. Multiplied out in integers, a dot
product is as exact as the codes. The upper byte alone is an int8 query: half the work on AVX512-VNNI, a little off.

Three versions of the same sum are compiled, and the processor chooses:
  avx512vnni  32 tokens at a time, transposed into the first-level cache: one instruction then multiplies 4 dimensions of
              16 tokens by 4 of the query. It wants one side unsigned: codes are moved up by 128, and 128 times the
              sum of the query is taken off again.
  avx2        the plain loops, which the compiler turns into multiply-adds of 16 values
  plain       the plain loops for whatever the compiler targets (SSE2, NEON, ...)
*/

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
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

#define MAX_QUERY 1024      /* rows of a query, checked by the caller */
#define SUM_DIM 512         /* dimensions that are summed in an int32: 512 * 32512 * 128 < 2^31 */

typedef struct {
    const char *data;       /* pages lie in here */
    const int64_t *starts;  /* byte offset of each page */
    const int64_t *counts;  /* rows of each page, > 0 */
    Py_ssize_t n_pages;
    const int16_t *query;   /* (n_query, dim) */
    const float *query_scales;
    int n_query, dim;
    int bits;               /* of a code: 8, 4 or 2 */
    const char *table;      /* 256 times 8 / bits int8 values; unused with 8 bits */
    int precise;            /* use both bytes of the query */
    float *found;           /* (n_pages, n_query): the best dot product of each query row on each page */
    void *scratch;          /* SCRATCH bytes for the rows and the query in other forms */
} Work;

INLINE int padded(int dim) { return (dim + 63) / 64 * 64; }

/* Bytes of scratch memory: 32 rows padded and transposed, a query in two planes, the best of each lane. */
static size_t scratch_bytes(int n_query, int dim) {
    return (size_t)padded(dim) * (64 + 2 * (size_t)(n_query + 16)) + (size_t)(n_query + 16) * 64 * 4 + 4096;
}

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

INLINE void maxima_rows(const Work *w) {
    int16_t *row = w->scratch;
    int8_t *buffer = (int8_t *)(row + padded(w->dim));
    float best[MAX_QUERY];
    for (Py_ssize_t page = 0; page < w->n_pages; page++) {
        const char *scales = w->data + w->starts[page];
        int64_t n = w->counts[page];
        for (int q = 0; q < w->n_query; q++) best[q] = -INFINITY;
        for (int64_t token = 0; token < n; token++) {
            const int8_t *values = row_values(w, scales + 4 * n, token, buffer);
            for (int d = 0; d < w->dim; d++) row[d] = values[d];
            float scale;
            memcpy(&scale, scales + 4 * token, 4);
            for (int q = 0; q < w->n_query; q++) {
                const int16_t *query = w->query + (int64_t)q * w->dim;
                float dot = 0;
                for (int from = 0; from < w->dim; from += SUM_DIM) {
                    int to = from + SUM_DIM < w->dim ? from + SUM_DIM : w->dim;
                    int32_t sum = 0;
                    for (int d = from; d < to; d++) sum += row[d] * query[d];
                    dot += (float)sum;
                }
                dot *= scale;
                if (dot > best[q]) best[q] = dot;
            }
        }
        for (int q = 0; q < w->n_query; q++) w->found[page * w->n_query + q] = best[q] * w->query_scales[q];
    }
}

static void maxima_plain(const Work *w) { maxima_rows(w); }

#if X86
AVX2 static void maxima_avx2(const Work *w) { maxima_rows(w); }

#define BLOCK 32            /* tokens transposed at a time */
#define TILE 12             /* query rows multiplied at a time: 24 sums, 2 token registers and 1 of the query */

/* 16 rows of 16 bytes -> 4 registers: the same 4 bytes of all 16 rows in each. */
VNNI INLINE void transpose(const int8_t *rows, ptrdiff_t stride, int at, char *block) {
    __m512i r[4];
    for (int i = 0; i < 4; i++) {
        const int8_t *row = rows + i * stride + at;
        __m512i z = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)row));
        z = _mm512_inserti32x4(z, _mm_loadu_si128((const __m128i *)(row + 4 * stride)), 1);
        z = _mm512_inserti32x4(z, _mm_loadu_si128((const __m128i *)(row + 8 * stride)), 2);
        z = _mm512_inserti32x4(z, _mm_loadu_si128((const __m128i *)(row + 12 * stride)), 3);
        r[i] = _mm512_xor_si512(z, _mm512_set1_epi8((char)0x80));
    }
    __m512i a = _mm512_unpacklo_epi32(r[0], r[1]), b = _mm512_unpackhi_epi32(r[0], r[1]);
    __m512i c = _mm512_unpacklo_epi32(r[2], r[3]), d = _mm512_unpackhi_epi32(r[2], r[3]);
    _mm512_store_si512(block, _mm512_unpacklo_epi64(a, c));
    _mm512_store_si512(block + 4 * BLOCK, _mm512_unpackhi_epi64(a, c));
    _mm512_store_si512(block + 8 * BLOCK, _mm512_unpacklo_epi64(b, d));
    _mm512_store_si512(block + 12 * BLOCK, _mm512_unpackhi_epi64(b, d));
}

/* Multiply a block by `rows` rows of the query (pairs of planes, if there are two), and keep the best of each lane: 2
   registers a row. Meanwhile fetch what comes `ahead`, a little at a time: in one go it would wait for the memory.
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
        _mm512_mask_max_ps(best[2 * (to) + half], valid[half], best[2 * (to) + half], _mm512_mul_ps(dot, scales[half]));
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

VNNI INLINE void multiply(const int rows, const int planes, const char *block, int groups, const int32_t *query,
                          const int32_t *offsets, const __m512 *scales, const __mmask16 *valid, __m512 *best,
                          const char *ahead) {
    EACH_ROW(BEGIN)
    for (int g = 0; g < groups; g++) {
        const __m512i left = _mm512_load_si512(block + 4 * BLOCK * g);
        const __m512i right = _mm512_load_si512(block + 4 * BLOCK * g + 64);
        _mm_prefetch(ahead + 128 * g, _MM_HINT_T0);
        _mm_prefetch(ahead + 128 * g + 64, _MM_HINT_T0);
        EACH_ROW(ADD)
    }
    if (planes == 1) {
        EACH_ROW(KEEP_ONE)
    } else {
        const __m512 upper = _mm512_set1_ps(256);
        EACH_PAIR(KEEP_TWO)
    }
}

typedef void (*Multiply)(const char *, int, const int32_t *, const int32_t *, const __m512 *, const __mmask16 *, __m512 *,
                         const char *);
#define MULTIPLY(rows, planes) \
    VNNI static void multiply_##rows##_##planes(const char *block, int groups, const int32_t *query, \
                                                const int32_t *offsets, const __m512 *scales, \
                                                const __mmask16 *valid, __m512 *best, const char *ahead) { \
        multiply(rows, planes, block, groups, query, offsets, scales, valid, best, ahead); \
    }
#define BOTH(rows) MULTIPLY(rows, 1) MULTIPLY(rows, 2)
BOTH(4) BOTH(6) BOTH(8) BOTH(10) BOTH(12)
#define ENTRY(rows) {multiply_##rows##_1, multiply_##rows##_2}
static const Multiply MULTIPLIERS[][2] = {ENTRY(4), ENTRY(6), ENTRY(8), ENTRY(10), ENTRY(12)};

/* The query as the instruction wants it, and where everything lies in the scratch memory. */
typedef struct {
    int planes, tile, n_tiles, groups;
    Multiply multiply;
    char *block;            /* groups of 4 dimensions of 32 tokens */
    int8_t *row_buffer;     /* 32 rows, for those that cannot be read in place */
    int32_t *query;         /* (n_tiles, groups, tile) */
    int32_t *offsets;       /* (n_tiles, tile) */
    __m512 *best;           /* (n_tiles * tile / planes, 2) */
} Prepared;

static Prepared prepare(const Work *w) {
    Prepared p = {0};
    const int wide = padded(w->dim), n_rows = w->n_query * (w->precise ? 2 : 1);
    p.planes = w->precise ? 2 : 1;
    p.groups = (w->dim + 3) / 4;
    p.tile = TILE; /* the one that leaves the fewest rows empty at the end; larger ones first */
    for (int size = TILE; size >= 4; size -= 2)
        if ((n_rows + size - 1) / size * size < (n_rows + p.tile - 1) / p.tile * p.tile) p.tile = size;
    p.n_tiles = (n_rows + p.tile - 1) / p.tile;
    p.multiply = MULTIPLIERS[p.tile / 2 - 2][p.planes - 1];
    p.block = w->scratch;
    p.row_buffer = (int8_t *)(p.block + BLOCK * wide);
    p.query = (int32_t *)(p.row_buffer + BLOCK * wide);
    p.offsets = p.query + (size_t)p.n_tiles * p.groups * p.tile;
    p.best = (__m512 *)(((uintptr_t)(p.offsets + p.n_tiles * p.tile) + 63) / 64 * 64);
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

VNNI INLINE void begin(const Prepared *p) {
    for (int i = 0; i < 2 * p->n_tiles * p->tile / p->planes; i++) p->best[i] = _mm512_set1_ps(-INFINITY);
}

VNNI INLINE void multiply_block(const Prepared *p, const Work *w, const int8_t *rows, ptrdiff_t stride,
                                const __m512 *scales, const __mmask16 *valid, const char *ahead) {
    for (int at = 0; at < w->dim; at += 16) {
        transpose(rows, stride, at, p->block + at * BLOCK);
        transpose(rows + 16 * stride, stride, at, p->block + at * BLOCK + 64);
    }
    for (int t = 0; t < p->n_tiles; t++)
        p->multiply(p->block, p->groups, p->query + (size_t)t * p->groups * p->tile, p->offsets + t * p->tile, scales,
                    valid, p->best + 2 * t * p->tile / p->planes, ahead + (size_t)BLOCK * 4 * t * p->groups);
}

VNNI static void maxima_vnni(const Work *w) {
    const Prepared p = prepare(w);
    const float unit = p.planes == 1 ? 256 : 1; /* the sums of one plane are of upper bytes */
    const int wide = padded(w->dim), row_bytes = w->dim * w->bits / 8;
    const int in_place = w->bits == 8 && w->dim % 16 == 0;
    for (Py_ssize_t page = 0; page < w->n_pages; page++) {
        const char *scales = w->data + w->starts[page], *codes = scales + 4 * w->counts[page];
        const int64_t n = w->counts[page];
        begin(&p);
        for (int64_t first = 0; first < n; first += BLOCK) {
            const int in_block = n - first < BLOCK ? (int)(n - first) : BLOCK;
            /* The next block, or the beginning of the next page. */
            const int last = first + BLOCK >= n, end = page + 1 == w->n_pages;
            const char *ahead = !last ? codes + (first + BLOCK) * row_bytes
                                      : w->data + (end ? 0 : w->starts[page + 1] + 4 * w->counts[page + 1]);
            const int8_t *rows = (const int8_t *)codes + first * row_bytes;
            ptrdiff_t stride = row_bytes;
            if (in_block < BLOCK || !in_place) {
                rows = p.row_buffer;
                stride = wide;
                for (int i = 0; i < in_block; i++) {
                    int8_t *buffer = p.row_buffer + i * wide;
                    const int8_t *values = row_values(w, codes, first + i, buffer);
                    if (values != buffer) memcpy(buffer, values, (size_t)w->dim);
                }
            }
            const uint32_t valid = in_block == BLOCK ? ~0u : (1u << in_block) - 1;
            const __mmask16 masks[2] = {(__mmask16)valid, (__mmask16)(valid >> 16)};
            const __m512 token_scales[2] = {_mm512_maskz_loadu_ps(masks[0], scales + 4 * first),
                                            _mm512_maskz_loadu_ps(masks[1], scales + 4 * first + 64)};
            multiply_block(&p, w, rows, stride, token_scales, masks, ahead);
        }
        for (int q = 0; q < w->n_query; q++) {
            const float best = _mm512_reduce_max_ps(_mm512_max_ps(p.best[2 * q], p.best[2 * q + 1]));
            w->found[page * w->n_query + q] = best * w->query_scales[q] * unit;
        }
    }
}

/* MaxSim of many small pages of n_slots rows each, one behind the other: lanes are pages instead of rows of a page. */
VNNI static void scan_vnni(const Work *w, int n_slots) {
    const Prepared p = prepare(w);
    const float unit = p.planes == 1 ? 256 : 1;
    const ptrdiff_t stride = (ptrdiff_t)n_slots * (4 + w->dim);
    const __mmask16 all[2] = {0xffff, 0xffff};
    for (Py_ssize_t first = 0; first < w->n_pages; first += BLOCK) {
        if (first + BLOCK > w->n_pages) first = w->n_pages - BLOCK; /* there are at least BLOCK */
        const char *pages = w->data + first * stride;
        begin(&p);
        for (int slot = 0; slot < n_slots; slot++) {
            float scales[BLOCK];
            for (int i = 0; i < BLOCK; i++) memcpy(scales + i, pages + i * stride + 4 * slot, 4);
            const __m512 token_scales[2] = {_mm512_loadu_ps(scales), _mm512_loadu_ps(scales + 16)};
            const int8_t *rows = (const int8_t *)pages + 4 * n_slots + slot * w->dim;
            for (int i = 0; i < BLOCK; i++)
                for (int at = 0; at < w->dim; at += 64) _mm_prefetch(rows + (BLOCK + i) * stride + at, _MM_HINT_T0);
            multiply_block(&p, w, rows, stride, token_scales, all, (const char *)rows);
        }
        __m512 left = _mm512_setzero_ps(), right = _mm512_setzero_ps();
        for (int q = 0; q < w->n_query; q++) {
            const __m512 scale = _mm512_set1_ps(w->query_scales[q] * unit);
            left = _mm512_fmadd_ps(p.best[2 * q], scale, left);
            right = _mm512_fmadd_ps(p.best[2 * q + 1], scale, right);
        }
        _mm512_storeu_ps(w->found + first, left);
        _mm512_storeu_ps(w->found + first + 16, right);
    }
}
#endif

typedef struct {
    const char *name;
    void (*maxima)(const Work *);
} Kernel;

/* Those this processor can run, the fastest first. */
static int find_kernels(Kernel *found) {
    int n = 0;
#if X86
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vnni"))
        found[n++] = (Kernel){"avx512vnni", maxima_vnni};
    if (__builtin_cpu_supports("avx2")) found[n++] = (Kernel){"avx2", maxima_avx2};
#endif
    found[n++] = (Kernel){"plain", maxima_plain};
    return n;
}

static PyObject *kernels(PyObject *self, PyObject *none) {
    Kernel found[3];
    int n = find_kernels(found);
    PyObject *names = PyTuple_New(n);
    for (int i = 0; names != NULL && i < n; i++) PyTuple_SetItem(names, i, PyUnicode_FromString(found[i].name));
    return names;
}

/* maxima(kernel, data, starts, counts, dim, bits, table, query, query_scales, precise, found)
   All buffers are checked by storage.kernel, which is the only caller. */
static PyObject *maxima(PyObject *self, PyObject *args) {
    const char *name;
    Py_buffer data, starts, counts, table, query, query_scales, found;
    Work work = {0};
    if (!PyArg_ParseTuple(args, "sy*y*y*iiy*y*y*pw*", &name, &data, &starts, &counts, &work.dim, &work.bits, &table, &query,
                          &query_scales, &work.precise, &found))
        return NULL;
    work.data = data.buf;
    work.starts = starts.buf;
    work.counts = counts.buf;
    work.n_pages = starts.len / 8;
    work.query = query.buf;
    work.query_scales = query_scales.buf;
    work.n_query = (int)(query_scales.len / 4);
    work.table = table.buf;
    work.found = found.buf;

    Kernel usable[3];
    int n = find_kernels(usable), chosen = 0;
    while (chosen < n && strcmp(usable[chosen].name, name) != 0) chosen++;
    void *memory = malloc(scratch_bytes(work.n_query, work.dim) + 64);
    if (chosen < n && memory != NULL) {
        work.scratch = (void *)(((uintptr_t)memory + 63) / 64 * 64);
        Py_BEGIN_ALLOW_THREADS
        usable[chosen].maxima(&work);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&data);
    PyBuffer_Release(&starts);
    PyBuffer_Release(&counts);
    PyBuffer_Release(&table);
    PyBuffer_Release(&query);
    PyBuffer_Release(&query_scales);
    PyBuffer_Release(&found);
    free(memory);
    if (memory == NULL) return PyErr_NoMemory();
    if (chosen == n) return PyErr_Format(PyExc_ValueError, "this processor has no kernel '%s'", name);
    Py_RETURN_NONE;
}

/* scan(data, n_slots, dim, query, query_scales, found): avx512vnni only, dim a multiple of 16, 32 pages or more. */
static PyObject *scan(PyObject *self, PyObject *args) {
    Py_buffer data, query, query_scales, found;
    Work work = {0};
    int n_slots;
    if (!PyArg_ParseTuple(args, "y*iiy*y*w*", &data, &n_slots, &work.dim, &query, &query_scales, &found)) return NULL;
    work.data = data.buf;
    work.n_pages = found.len / 4;
    work.query = query.buf;
    work.query_scales = query_scales.buf;
    work.n_query = (int)(query_scales.len / 4);
    work.bits = 8;
    work.found = found.buf;
    void *memory = malloc(scratch_bytes(work.n_query, work.dim) + 64);
    if (memory != NULL) {
        work.scratch = (void *)(((uintptr_t)memory + 63) / 64 * 64);
        Py_BEGIN_ALLOW_THREADS
#if X86
        scan_vnni(&work, n_slots);
#endif
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&data);
    PyBuffer_Release(&query);
    PyBuffer_Release(&query_scales);
    PyBuffer_Release(&found);
    free(memory);
    if (memory == NULL) return PyErr_NoMemory();
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"kernels", kernels, METH_NOARGS, "Names of the kernels this processor can run, the fastest first."},
    {"maxima", maxima, METH_VARARGS, "Best dot products of a query over encoded pages; see storage.kernel."},
    {"scan", scan, METH_VARARGS, "MaxSim of a query over many small pages of one size; see storage.kernel."},
    {NULL, NULL, 0, NULL},
};
static PyModuleDef_Slot slots[] = {{0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "storage._maxsim", NULL, 0, methods, slots, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit__maxsim(void) { return PyModuleDef_Init(&module); }
