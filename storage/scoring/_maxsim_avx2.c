/* The AVX2 kernel: a query of 7 bits first. See _maxsim_screen.h for the way, _maxsim_256.h for the loops.

   One instruction multiplies 16 pairs of bytes and adds two and two into an int16. Four of these are added up before they
   are widened, which takes two more instructions. The int16 may run over in between: it is right again once UP times the codes
   has been taken off, if what is left fits. For that no 8 components of a query that meet in a sum may have more than
   LANE_MAX together: 128 times as much is an int16. */

#include "_maxsim.h"

#if X86
#define TARGET AVX2
#define UP 64               /* two codes times 127 still are an int16, before anything is added */
#define QUICK_MAX 63
#define LANE_MAX 255
#define STEP(sum, q) \
    { \
        const __m256i ones = _mm256_set1_epi16(1); \
        __m256i a, b; \
        __asm__("vpbroadcastd %[q0], %[a]\n\tvpmaddubsw %[x0], %[a], %[a]\n\tvpaddw %[off], %[a], %[a]\n\t" \
                "vpbroadcastd %[q1], %[b]\n\tvpmaddubsw %[x1], %[b], %[b]\n\tvpaddw %[b], %[a], %[a]\n\t" \
                "vpbroadcastd %[q2], %[b]\n\tvpmaddubsw %[x2], %[b], %[b]\n\tvpaddw %[b], %[a], %[a]\n\t" \
                "vpbroadcastd %[q3], %[b]\n\tvpmaddubsw %[x3], %[b], %[b]\n\tvpaddw %[b], %[a], %[a]\n\t" \
                "vpmaddwd %[ones], %[a], %[a]\n\tvpaddd %[a], %[to], %[to]" \
                : [to] "+x"(sum), [a] "=&x"(a), [b] "=&x"(b) \
                : [x0] "x"(x0), [x1] "x"(x1), [x2] "x"(x2), [x3] "x"(x3), [off] "x"(off), [ones] "x"(ones), \
                  [q0] "m"((q)[0]), [q1] "m"((q)[4]), [q2] "m"((q)[8]), [q3] "m"((q)[12])); \
    }

AVX2 INLINE __m256i take_off(__m256i x0, __m256i x1, __m256i x2, __m256i x3) {
    const __m256i up = _mm256_set1_epi8(UP);
    const __m256i left = _mm256_add_epi16(_mm256_maddubs_epi16(up, x0), _mm256_maddubs_epi16(up, x1));
    const __m256i right = _mm256_add_epi16(_mm256_maddubs_epi16(up, x2), _mm256_maddubs_epi16(up, x3));
    return _mm256_sub_epi16(_mm256_setzero_si256(), _mm256_add_epi16(left, right));
}

/* So that none is beyond QUICK_MAX, and what meets in a sum not beyond LANE_MAX: the first two of 4 fours, or the last two.
   The largest component is a multiple of it: where all are as large, none is rounded, and errors do not add up. */
AVX2 INLINE float rounding_unit(const int16_t *values, int steps) {
    __m256i largest = _mm256_setzero_si256(), most = largest;
    for (int step = 0; step < steps; step++) {
        const __m256i sizes = _mm256_abs_epi16(_mm256_loadu_si256((const __m256i *)values + step));
        __m256i twos = _mm256_madd_epi16(sizes, _mm256_set1_epi16(1));
        twos = _mm256_add_epi32(twos, _mm256_shuffle_epi32(twos, 0x4e));
        twos = _mm256_add_epi32(twos, _mm256_permute4x64_epi64(twos, 0x4e));
        most = _mm256_max_epi32(most, twos);
        largest = _mm256_max_epi16(largest, sizes);
    }
    int32_t sums[8];
    int16_t single[16], best = 1;
    _mm256_storeu_si256((__m256i *)sums, most);
    _mm256_storeu_si256((__m256i *)single, largest);
    for (int i = 0; i < 16; i++) best = single[i] > best ? single[i] : best;
    const int32_t sum = sums[0] > sums[1] ? sums[0] : sums[1];
    const int codes = best * (LANE_MAX - 4) / (sum > 0 ? sum : 1); /* less 4, for each of 8 may be rounded up by a half */
    return (float)best / (float)(codes < QUICK_MAX ? codes : QUICK_MAX);
}

#include "_maxsim_256.h"

AVX2 void maxima_avx2(const Work *w) { maxima_of_pages(w); }
AVX2 void scan_avx2(const Work *w, int n_slots) { scan_pages(w, n_slots); }
#endif
