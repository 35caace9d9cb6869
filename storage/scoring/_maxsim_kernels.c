/* Which kernels this processor can run, and whether they are right. */

#include "_maxsim.h"

#if X86
#include <cpuid.h>
#endif
#if NEON && defined(__linux__)
#include <sys/auxv.h>
#endif
#include <stdlib.h>

enum { PAGES = 35, ROWS = 13, QUERY_ROWS = 11 }; /* that are compared */

#if X86
/* AVX-VNNI is bit 4 of EAX of the second part of leaf 7; older compilers do not know its name. */
static int has_avxvnni(void) {
    unsigned a = 0, b, c, d;
    return __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}
#endif

#if NEON
static int has_dot_products(void) {
#if defined(__linux__)
    return (getauxval(AT_HWCAP) >> 20 & 1) != 0; /* HWCAP_ASIMDDP */
#else
    return 1; /* every Mac with an Arm processor */
#endif
}
#endif

/* Those compiled that the processor says it can run, the fastest first. */
static int candidates(Kernel *found) {
    int n = 0;
#if X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vnni"))
        found[n++] = (Kernel){"avx512vnni", maxima_vnni, scan_vnni, products_avx2};
#if AVXVNNI
    if (has_avxvnni()) found[n++] = (Kernel){"avxvnni", maxima_avxvnni, scan_avxvnni, products_avx2};
#endif
    if (__builtin_cpu_supports("avx2")) found[n++] = (Kernel){"avx2", maxima_avx2, scan_avx2, products_avx2};
#endif
#if NEON
    if (has_dot_products()) found[n++] = (Kernel){"neon", maxima_neon, scan_neon, products_plain};
#endif
    found[n++] = (Kernel){"plain", maxima_plain, NULL, products_plain};
    return n;
}

/* Whether a kernel finds on made-up pages what the plain loops find: a processor or compiler that was not there when this was
   written may do something else. It takes less than a millisecond. */
static int is_right(const Kernel *kernel, int dim) {
    enum { LONGEST = 96 };
    static char data[PAGES * ROWS * (4 + LONGEST)];
    static int16_t query[QUERY_ROWS * LONGEST];
    static float query_scales[QUERY_ROWS], expected[PAGES * QUERY_ROWS], found[PAGES * QUERY_ROWS];
    int64_t starts[PAGES], counts[PAGES];
    uint32_t random = 12345;
    for (size_t i = 0; i < sizeof data; i++) data[i] = (char)((random = random * 1664525 + 1013904223) >> 24);
    for (int i = 0; i < QUERY_ROWS * dim; i++) query[i] = (int16_t)((int32_t)(random = random * 1664525 + 1013904223) >> 17);
    for (int i = 0; i < QUERY_ROWS; i++) query_scales[i] = 1.0f / (float)(1 << 20);
    for (int page = 0; page < PAGES; page++) {
        counts[page] = ROWS;
        starts[page] = page * ROWS * (4 + dim);
        for (int row = 0; row < ROWS; row++) {
            const float scale = 0.01f * (float)(row + 1);
            memcpy(data + starts[page] + 4 * row, &scale, 4);
        }
    }
    Work work = {.data = data, .starts = starts, .counts = counts, .n_pages = PAGES, .query = query, .query_scales = query_scales,
                 .n_query = QUERY_ROWS, .dim = dim, .bits = 8, .precise = 1, .found = expected};
    void *memory = malloc(scratch_bytes(QUERY_ROWS, dim) + 64);
    if (memory == NULL) return 0;
    work.scratch = (void *)(((uintptr_t)memory + 63) / 64 * 64);
    maxima_plain(&work);
    float largest = 0, error[2] = {0, 0}, scan_error = 0;
    for (int i = 0; i < PAGES * QUERY_ROWS; i++) largest = fmaxf(largest, fabsf(expected[i]));
    work.found = found;
    for (int precise = 0; precise < 2; precise++) {
        work.precise = precise;
        kernel->maxima(&work);
        for (int i = 0; i < PAGES * QUERY_ROWS; i++) error[precise] = fmaxf(error[precise], fabsf(found[i] - expected[i]));
    }
    if (kernel->scan != NULL && dim % 16 == 0) {
        work.precise = 0;
        kernel->scan(&work, ROWS);
        for (int page = 0; page < PAGES; page++) {
            float sum = 0;
            for (int q = 0; q < QUERY_ROWS; q++) sum += expected[page * QUERY_ROWS + q];
            scan_error = fmaxf(scan_error, fabsf(found[page] - sum));
        }
    }
    free(memory);
    return error[1] <= 1e-5f * largest && error[0] <= 0.03f * largest && scan_error <= 0.03f * QUERY_ROWS * largest;
}

int find_kernels(Kernel *found) {
    Kernel all[MAX_KERNELS];
    const int n = candidates(all);
    int right = 0;
    for (int i = 0; i < n; i++)
        if (all[i].maxima == maxima_plain || (is_right(all + i, 96) && is_right(all + i, 52))) found[right++] = all[i];
    return right;
}
