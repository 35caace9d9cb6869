/* The module _maxsim: MaxSim of one query over encoded pages, read where they lie.

A page is n float32 scales, then n rows of codes. A row is dim int8 values (8 bits), or packed codes of 4 or 2 bits that
a table turns into int8 values, several of them a byte. The value of a row is its int8 values times its scale.

The query comes as int16, 256 times what an int8 would be, with a float32 scale a row. Multiplied out in integers, a dot
product is as exact as the codes. Rounded to 8 or 7 bits it takes a fraction of the work and is a little off.

Several versions of the same sum are compiled, and the processor chooses (_maxsim_kernels.c). All multiply some tokens side by
side, transposed into the first-level cache:
  avx512vnni  (_maxsim_vnni.c) 32 tokens: one instruction multiplies 4 dimensions of 16 of them by 4 of the query. It wants one
              side unsigned: codes are moved up by 128, and 128 times the sum of the query is taken off again. The next
              32 are transposed meanwhile. The upper byte of the query alone is half of the work.
  avxvnni     (_maxsim_avxvnni.c), avx2 (_maxsim_avx2.c) and neon (_maxsim_neon.c) 8 tokens: a rounded query first, and all 15 bits
              for the tokens that can be the best (_maxsim_screen.h).
  plain       (_maxsim_plain.c) the plain loops, a token at a time

All products of a page, and not the best alone, are plain loops for every processor (_maxsim_products.c).
*/

#define _FILE_OFFSET_BITS 64
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>
#include <stdlib.h>
#ifndef _WIN32
#include <errno.h>
#include <unistd.h>
#endif

#include "_maxsim.h"

static Kernel usable[MAX_KERNELS];
static int n_usable = 0;

/* Whether this processor can run the kernel of that name; if so, which it is. */
static int find_kernel(const char *name, Kernel *kernel) {
    for (int i = 0; i < n_usable; i++)
        if (strcmp(usable[i].name, name) == 0) {
            *kernel = usable[i];
            return 1;
        }
    return 0;
}

static PyObject *kernels(PyObject *self, PyObject *none) {
    PyObject *names = PyTuple_New(n_usable);
    for (int i = 0; names != NULL && i < n_usable; i++) PyTuple_SetItem(names, i, PyUnicode_FromString(usable[i].name));
    return names;
}

enum Task { MAXIMA, SCAN, PRODUCTS };

/* What a kernel is to do, beside its Work: n_slots of a scan; of products the query and the lengths, float32. */
typedef struct {
    enum Task task;
    int n_slots;
    const float *query;
    float *lengths;
} Order;

/* Have a kernel do it, without the interpreter's lock and in memory of its own; lets go of the buffers, whatever comes. */
static PyObject *run(const char *name, Order order, Work work, Py_buffer *const buffers[], size_t n_buffers) {
    Kernel chosen = {0};
    const int there = find_kernel(name, &chosen) && (order.task != SCAN || chosen.scan != NULL);
    void *memory = malloc(scratch_bytes(work.n_query, work.dim) + 64);
    if (there && memory != NULL) {
        work.scratch = (void *)(((uintptr_t)memory + 63) / 64 * 64);
        Py_BEGIN_ALLOW_THREADS
        if (order.task == MAXIMA) chosen.maxima(&work);
        if (order.task == SCAN) chosen.scan(&work, order.n_slots);
        if (order.task == PRODUCTS) chosen.products(&work, order.query, order.lengths);
        Py_END_ALLOW_THREADS
    }
    for (size_t i = 0; i < n_buffers; i++) PyBuffer_Release(buffers[i]);
    free(memory);
    if (memory == NULL) return PyErr_NoMemory();
    if (!there)
        return PyErr_Format(PyExc_ValueError, "this processor has no kernel '%s'%s", name,
                            order.task == SCAN ? " that scans" : "");
    Py_RETURN_NONE;
}

/* maxima(kernel, data, starts, counts, dim, bits, table, query, query_scales, precise, found)
   All buffers are checked by storage.scoring.kernel, which is the only caller. */
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
    Py_buffer *const buffers[] = {&data, &starts, &counts, &table, &query, &query_scales, &found};
    return run(name, (Order){.task = MAXIMA}, work, buffers, sizeof(buffers) / sizeof(*buffers));
}

/* scan(kernel, data, starts, n_slots, dim, query, query_scales, found): of kernels that have one; dim a multiple of 16, 32 pages or
   more. */
static PyObject *scan(PyObject *self, PyObject *args) {
    const char *name;
    Py_buffer data, starts, query, query_scales, found;
    Work work = {0};
    Order order = {.task = SCAN};
    if (!PyArg_ParseTuple(args, "sy*y*iiy*y*w*", &name, &data, &starts, &order.n_slots, &work.dim, &query, &query_scales,
                          &found))
        return NULL;
    work.data = data.buf;
    work.starts = starts.buf;
    work.n_pages = found.len / 4;
    work.query = query.buf;
    work.query_scales = query_scales.buf;
    work.n_query = (int)(query_scales.len / 4);
    work.bits = 8;
    work.found = found.buf;
    Py_buffer *const buffers[] = {&data, &starts, &query, &query_scales, &found};
    return run(name, order, work, buffers, sizeof(buffers) / sizeof(*buffers));
}

/* products(kernel, data, count, dim, bits, table, query, found, lengths): of one page. query: float32. Buffers are checked
   as above. */
static PyObject *products(PyObject *self, PyObject *args) {
    const char *name;
    long long count;
    Py_buffer data, table, query, found, lengths;
    Work work = {0};
    if (!PyArg_ParseTuple(args, "sy*Liiy*y*w*w*", &name, &data, &count, &work.dim, &work.bits, &table, &query, &found,
                          &lengths))
        return NULL;
    const int64_t starts[1] = {0}, counts[1] = {count};
    work.data = data.buf;
    work.starts = starts;
    work.counts = counts;
    work.n_pages = 1;
    work.n_query = (int)(query.len / 4 / work.dim);
    work.table = table.buf;
    work.found = found.buf;
    Py_buffer *const buffers[] = {&data, &table, &query, &found, &lengths};
    return run(name, (Order){.task = PRODUCTS, .query = query.buf, .lengths = lengths.buf}, work, buffers,
               sizeof(buffers) / sizeof(*buffers));
}

#ifndef _WIN32
/* Read all, without the interpreter's lock: taking it for every page, threads would wait for each other most of the time.
   The place among them of the first one that could not be read whole; -1 if all were. */
static Py_ssize_t read_all(const int64_t *descriptors, const int64_t *offsets, const int64_t *sizes, Py_ssize_t n,
                           const int64_t *starts, char *to) {
    for (Py_ssize_t i = 0; i < n; i++)
        for (int64_t done = 0; done < sizes[i];) {
            const ssize_t got = pread((int)descriptors[i], to + starts[i] + done, (size_t)(sizes[i] - done),
                                      (off_t)(offsets[i] + done));
            if (got == 0 || (got < 0 && errno != EINTR)) return i;
            if (got > 0) done += got;
        }
    return -1;
}

/* read(descriptors, offsets, sizes, starts, buffer): checked by storage.vectors.segments, as above. */
static PyObject *read_pages(PyObject *self, PyObject *args) {
    Py_buffer descriptors, offsets, sizes, starts, to;
    if (!PyArg_ParseTuple(args, "y*y*y*y*w*", &descriptors, &offsets, &sizes, &starts, &to)) return NULL;
    Py_ssize_t failed;
    Py_BEGIN_ALLOW_THREADS
    failed = read_all(descriptors.buf, offsets.buf, sizes.buf, sizes.len / 8, starts.buf, to.buf);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&descriptors);
    PyBuffer_Release(&offsets);
    PyBuffer_Release(&sizes);
    PyBuffer_Release(&starts);
    PyBuffer_Release(&to);
    return PyLong_FromSsize_t(failed);
}
#endif

static PyMethodDef methods[] = {
#ifndef _WIN32
    {"read", read_pages, METH_VARARGS, "Read many pages of files into one buffer; see storage.vectors.segments."},
#endif
    {"kernels", kernels, METH_NOARGS, "Names of the kernels this processor can run, the fastest first."},
    {"maxima", maxima, METH_VARARGS, "Best dot products of a query over encoded pages; see storage.scoring.kernel."},
    {"products", products, METH_VARARGS, "All products of a query with the tokens of a page; see storage.scoring.kernel."},
    {"scan", scan, METH_VARARGS, "MaxSim of a query over many small pages of one size; see storage.scoring.kernel."},
    {NULL, NULL, 0, NULL},
};

/* Once, while the module is imported: no thread can be using it yet. */
static int find_usable(PyObject *self) {
    if (n_usable == 0) n_usable = find_kernels(usable);
    return 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)find_usable}, {0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "pagesight.storage.scoring._maxsim", NULL, 0, methods, slots, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit__maxsim(void) { return PyModuleDef_Init(&module); }
