/* The one instruction of AVX-VNNI in those of AVX2, for processors that lack it: unsigned by signed bytes, fours added up. */

#include <immintrin.h>

#define PRODUCTS(sum, query, tokens) sum = products(sum, query, tokens)

__attribute__((target("avx2"))) static inline __m256i products(__m256i sum, __m256i query, __m256i tokens) {
    const __m256i even = _mm256_madd_epi16(_mm256_and_si256(query, _mm256_set1_epi16(255)),
                                           _mm256_srai_epi16(_mm256_slli_epi16(tokens, 8), 8));
    const __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(query, 8), _mm256_srai_epi16(tokens, 8));
    return _mm256_add_epi32(sum, _mm256_add_epi32(even, odd));
}
