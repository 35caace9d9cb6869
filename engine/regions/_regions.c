/* The module _regions: what describing pages asks of their boxes and numbers, of all pages of an answer at once.

groups that lie end to end (_groups.c; ragged.py does the same by numpy), layouts (_layout.c; layout.py) and open space (_spaces.c;
spaces.py). Arrays are float32 and int64. That they fit each other is checked here; nothing is read or written outside of them. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>
#include <stdlib.h>

#include "_regions.h"

/* What takes less than a millisecond keeps the interpreter's lock: another thread would take it, and keep it for longer. */
static PyThreadState *let_go(int64_t n_numbers) { return n_numbers > 1 << 19 ? PyEval_SaveThread() : NULL; }
static void take_back(PyThreadState *state) {
    if (state != NULL) PyEval_RestoreThread(state);
}

/* Of groups that lie end to end: (n_rows, n) numbers, or boxes, of which the width is 4. */
static PyObject *of_groups(PyObject *args, const char *format, OfGroups *find, int width) {
    Py_buffer rows, first, found;
    if (!PyArg_ParseTuple(args, format, &rows, &first, &found)) return NULL;
    const ptrdiff_t n_groups = first.len / 8, n_rows = n_groups ? found.len / (4 * width) / n_groups : 0;
    const ptrdiff_t n = n_rows ? rows.len / (4 * width) / n_rows : 0;
    const int fits = n_rows == 0 || groups_in_order(first.buf, n_groups, n);
    int32_t *keys = malloc((size_t)n * 4 + 4);
    PyThreadState *const others_run = let_go(rows.len / 4);
    for (ptrdiff_t row = 0; fits && keys != NULL && row < n_rows; row++)
        find((float *)rows.buf + row * n * width, n, first.buf, n_groups, keys, (float *)found.buf + row * n_groups * width);
    take_back(others_run);
    PyBuffer_Release(&rows);
    PyBuffer_Release(&first);
    PyBuffer_Release(&found);
    free(keys);
    if (keys == NULL) return PyErr_NoMemory();
    if (!fits) return PyErr_Format(PyExc_ValueError, "groups do not lie end to end within %zd", n);
    Py_RETURN_NONE;
}

static PyObject *largest_of_groups(PyObject *self, PyObject *args) { return of_groups(args, "y*y*w*", largest, 1); }
static PyObject *medians_of_groups(PyObject *self, PyObject *args) { return of_groups(args, "y*y*w*", medians, 1); }
static PyObject *stretch_groups(PyObject *self, PyObject *args) { return of_groups(args, "w*y*w*", stretch, 1); }
static PyObject *bounds_of_groups(PyObject *self, PyObject *args) { return of_groups(args, "y*y*w*", bounds, 4); }

/* spread(x, y, values, first, found) */
static PyObject *spread(PyObject *self, PyObject *args) {
    Py_buffer x, y, values, first, found;
    if (!PyArg_ParseTuple(args, "y*y*y*y*w*", &x, &y, &values, &first, &found)) return NULL;
    const Spread asked = {.x = x.buf, .y = y.buf, .values = values.buf, .first = first.buf, .n_groups = first.len / 8,
                          .n = found.len / 4, .found = found.buf};
    const int fits = x.len == found.len && y.len == found.len && values.len == found.len &&
                     groups_in_order(asked.first, asked.n_groups, asked.n);
    if (fits) {
        Py_BEGIN_ALLOW_THREADS /* of a page of many tokens all pairs are many */
        spread_in_groups(&asked);
        Py_END_ALLOW_THREADS
    }
    Py_buffer *const buffers[] = {&x, &y, &values, &first, &found};
    for (size_t i = 0; i < sizeof(buffers) / sizeof(*buffers); i++) PyBuffer_Release(buffers[i]);
    if (!fits) return PyErr_Format(PyExc_ValueError, "groups do not lie end to end within %zd", asked.n);
    Py_RETURN_NONE;
}

/* inside(boxes, pages, others, page_ends, found_boxes, found_others): how many pairs there are. */
static PyObject *points_inside(PyObject *self, PyObject *args) {
    Py_buffer boxes, pages, others, page_ends, found_boxes, found_others;
    if (!PyArg_ParseTuple(args, "y*y*y*y*w*w*", &boxes, &pages, &others, &page_ends, &found_boxes, &found_others)) return NULL;
    const Places places = {.boxes = boxes.buf, .pages = pages.buf, .n_boxes = boxes.len / 16, .others = others.buf,
                           .n_others = others.len / 16, .page_ends = page_ends.buf, .n_pages = page_ends.len / 8 - 1,
                           .found_boxes = found_boxes.buf, .found_others = found_others.buf, .room = found_boxes.len / 8};
    const int fits = places.n_boxes == pages.len / 8 && places.n_pages >= 0 && found_others.len == found_boxes.len;
    float *scratch = malloc((size_t)places.n_others * 9 + 1);
    int64_t n = -1;
    PyThreadState *const others_run = let_go(places.n_boxes * (places.n_others / (places.n_pages > 0 ? places.n_pages : 1)));
    if (scratch != NULL && fits)
        n = inside(&places, scratch, scratch + places.n_others, (uint8_t *)(scratch + 2 * places.n_others));
    take_back(others_run);
    Py_buffer *const buffers[] = {&boxes, &pages, &others, &page_ends, &found_boxes, &found_others};
    for (size_t i = 0; i < sizeof(buffers) / sizeof(*buffers); i++) PyBuffer_Release(buffers[i]);
    free(scratch);
    if (scratch == NULL) return PyErr_NoMemory();
    return n < 0 ? PyErr_Format(PyExc_ValueError, "boxes or pages do not fit each other") : PyLong_FromLongLong(n);
}

/* lay_out(boxes, page_words, aspects, rules, and the arrays of a Layout): how many lines, blocks and rows there are. */
static PyObject *lay_out_pages(PyObject *self, PyObject *args) {
    enum { GIVEN = 4, FLAT = 2, FLOATS = 4, INTEGERS = 5, FLAGS = 3, PAGES = 2, ALL = GIVEN + FLAT + FLOATS + INTEGERS + FLAGS + PAGES };
    static const int width[ALL - GIVEN - PAGES] = {16, 16, 4, 4, 4, 4, 8, 8, 8, 8, 8, 1, 1, 1};
    Py_buffer b[ALL];
    int n = 0, fits = PyTuple_Size(args) == ALL;
    while (fits && n < ALL && PyObject_GetBuffer(PyTuple_GetItem(args, n), b + n, n < GIVEN ? PyBUF_SIMPLE : PyBUF_WRITABLE) == 0) n++;
    int64_t counts[3] = {0, 0, 0};
    float *scratch = NULL;
    if (fits && n == ALL) {
        const Words words = {b[0].buf, b[1].buf, b[2].buf, b[3].buf, b[2].len / 4};
        const int64_t n_words = b[0].len / 16;
        fits = b[1].len == 8 * (words.n_pages + 1) && b[3].len == sizeof(Rules) && words.page_words[words.n_pages] == n_words &&
               groups_in_order(words.page_words, words.n_pages, n_words);
        for (int i = GIVEN; fits && i < ALL; i++)
            fits = b[i].len >= (i < ALL - PAGES ? n_words * width[i - GIVEN] : b[1].len);
        scratch = malloc((size_t)n_words * 8 + 1);
        if (fits && scratch != NULL) {
            const Layout found = {b[4].buf,  b[5].buf,  b[6].buf,  b[7].buf,  b[8].buf,  b[9].buf,  b[10].buf, b[11].buf,
                                  b[12].buf, b[13].buf, b[14].buf, b[15].buf, b[16].buf, b[17].buf, b[18].buf, b[19].buf};
            lay_out(&words, &found, scratch, (int32_t *)(scratch + n_words), counts);
        }
    }
    const int all = n == ALL;
    while (n > 0) PyBuffer_Release(b + --n);
    if (fits && !all) return NULL; /* no buffer: said already */
    if (fits && scratch == NULL) return PyErr_NoMemory();
    free(scratch);
    if (!fits) return PyErr_Format(PyExc_ValueError, "words and pages do not fit each other");
    return Py_BuildValue("(LLL)", (long long)counts[0], (long long)counts[1], (long long)counts[2]);
}

/* below(boxes, obstacles, n_obstacles, within, smallest, columns, shared, found, there): see engine.regions.spaces. */
static PyObject *spaces_below(PyObject *self, PyObject *args) {
    Py_buffer boxes, obstacles, counts, within, smallest, found, there;
    int columns, fits;
    float shared;
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*ifw*w*", &boxes, &obstacles, &counts, &within, &smallest, &columns, &shared, &found,
                          &there))
        return NULL;
    const Py_ssize_t n = there.len;
    const int64_t *each = counts.buf;
    int64_t left = obstacles.len / 16;
    fits = columns > 0 && columns <= MOST_COLUMNS && boxes.len == 16 * n && counts.len == 8 * n && within.len == 16 * n &&
           smallest.len == 8 * n && found.len == 16 * n;
    for (Py_ssize_t i = 0; i < n && fits; i++) {
        const float *of_this = (float *)obstacles.buf + obstacles.len / 4 - 4 * left;
        if (!(fits = each[i] >= 0 && each[i] <= left)) break;
        left -= each[i];
        ((char *)there.buf)[i] = (char)space_below((float *)boxes.buf + 4 * i, of_this, each[i], (float *)within.buf + 4 * i,
                                                   (float *)smallest.buf + 2 * i, columns, shared, (float *)found.buf + 4 * i);
    }
    Py_buffer *const buffers[] = {&boxes, &obstacles, &counts, &within, &smallest, &found, &there};
    for (size_t i = 0; i < sizeof(buffers) / sizeof(*buffers); i++) PyBuffer_Release(buffers[i]);
    if (!fits) return PyErr_Format(PyExc_ValueError, "boxes and obstacles do not fit each other");
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"largest", largest_of_groups, METH_VARARGS, "The largest number of each group; see ragged."},
    {"medians", medians_of_groups, METH_VARARGS, "The median of each group; see ragged."},
    {"stretch", stretch_groups, METH_VARARGS, "Each group from its median to its largest number; see ragged."},
    {"spread", spread, METH_VARARGS, "Values of groups, spread by how near their points are; see ragged."},
    {"bounds", bounds_of_groups, METH_VARARGS, "The box around each group of boxes; see ragged."},
    {"inside", points_inside, METH_VARARGS, "Which middles lie in which boxes; see ragged."},
    {"lay_out", lay_out_pages, METH_VARARGS, "Lines, blocks and rows of words; see layout."},
    {"below", spaces_below, METH_VARARGS, "The largest space below each box; see spaces."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "pagesight.engine.regions._regions", NULL, 0, methods, slots, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit__regions(void) { return PyModuleDef_Init(&module); }
