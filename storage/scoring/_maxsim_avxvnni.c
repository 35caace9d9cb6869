/* The AVX-VNNI kernel (Alder Lake and later, Zen 5): a query of 8 bits first. See _maxsim_screen.h and _maxsim_256.h. */

#include "_maxsim.h"

#if X86 && AVXVNNI
#define UP 128
#define QUICK_MAX 127

/* One instruction multiplies 8 fours of bytes and adds them up, in 32 bits. PRODUCTS is another where tests have no such
   processor. */
#ifdef PRODUCTS
#define TARGET AVX2         /* or the compiler might use the instruction of its own accord */
#else
#define TARGET __attribute__((target("avx2,avxvnni")))
#define PRODUCTS(sum, query, tokens) __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(query), "x"(tokens))
#endif
#define FOUR(q, at) _mm256_set1_epi32(((const int32_t *)(q))[at])
#define STEP(sum, q) \
    { \
        sum = _mm256_add_epi32(sum, off); \
        PRODUCTS(sum, FOUR(q, 0), x0); \
        PRODUCTS(sum, FOUR(q, 1), x1); \
        PRODUCTS(sum, FOUR(q, 2), x2); \
        PRODUCTS(sum, FOUR(q, 3), x3); \
    }

TARGET INLINE __m256i take_off(__m256i x0, __m256i x1, __m256i x2, __m256i x3) {
    const __m256i up = _mm256_set1_epi8((char)UP);
    __m256i sum = _mm256_setzero_si256();
    PRODUCTS(sum, up, x0);
    PRODUCTS(sum, up, x1);
    PRODUCTS(sum, up, x2);
    PRODUCTS(sum, up, x3);
    return _mm256_sub_epi32(_mm256_setzero_si256(), sum);
}

TARGET INLINE float rounding_unit(const int16_t *values, int steps) {
    int16_t largest = 1;
    for (int d = 0; d < steps * 16; d++) {
        const int16_t size = (int16_t)(values[d] < 0 ? -values[d] : values[d]);
        largest = size > largest ? size : largest;
    }
    return (float)largest / QUICK_MAX;
}

#include "_maxsim_256.h"

TARGET void maxima_avxvnni(const Work *w) { maxima_of_pages(w); }
TARGET void scan_avxvnni(const Work *w, int n_slots) { scan_pages(w, n_slots); }
#endif
