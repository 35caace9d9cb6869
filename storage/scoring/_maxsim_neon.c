/* The kernel for Arm processors with dot products (Armv8.2 and later): a query of 8 bits first. See _maxsim_screen.h.

   8 tokens are transposed: then a pair of registers has the same 4 dimensions of 8 tokens. One instruction multiplies those of 4
   tokens by 4 bytes of a register of the query, which it picks itself, and adds them up. Both sides are signed. */

#include "_maxsim.h"

#if NEON
#include <arm_neon.h>

#if defined(__clang__)
#define TARGET __attribute__((target("dotprod")))
#else
#define TARGET __attribute__((target("arch=armv8.2-a+dotprod")))
#endif
#define UP 0
#define TILE 8              /* query rows multiplied at a time: 16 sums, 8 of tokens, 1 of the query */
#define READ_ROW row_values
#define STEP_BYTES 128      /* of transposed tokens: 4 pairs of registers */

TARGET INLINE float rounding_unit(const int16_t *values, int steps) {
    int16x8_t largest = vdupq_n_s16(1);
    for (int d = 0; d < steps * 16; d += 8) largest = vmaxq_s16(largest, vabsq_s16(vld1q_s16(values + d)));
    return (float)vmaxvq_s16(largest) / 127;
}

TARGET INLINE unsigned mask_above(const float *values, float least) {
    static const uint32_t BITS[8] = {1, 2, 4, 8, 16, 32, 64, 128};
    const uint32x4_t left = vcgeq_f32(vld1q_f32(values), vdupq_n_f32(least));
    const uint32x4_t right = vcgeq_f32(vld1q_f32(values + 4), vdupq_n_f32(least));
    return vaddvq_u32(vorrq_u32(vandq_u32(left, vld1q_u32(BITS)), vandq_u32(right, vld1q_u32(BITS + 4))));
}

TARGET INLINE float exact_product(const int8_t *row, const int16_t *query, int dim) {
    float product = 0;
    for (int from = 0; from < dim; from += SUM_DIM) {
        const int to = from + SUM_DIM < dim ? from + SUM_DIM : dim;
        int32x4_t one = vdupq_n_s32(0), other = one;
        int d = from;
        for (; d + 8 <= to; d += 8) {
            const int16x8_t codes = vmovl_s8(vld1_s8(row + d)), values = vld1q_s16(query + d);
            one = vmlal_s16(one, vget_low_s16(codes), vget_low_s16(values));
            other = vmlal_high_s16(other, codes, values);
        }
        int32_t sum = vaddvq_s32(vaddq_s32(one, other));
        for (; d < to; d++) sum += row[d] * query[d];
        product += (float)sum;
    }
    return product;
}

#include "_maxsim_screen.h"

/* 16 bytes of 4 rows -> 4 registers, the same 4 bytes of all 4 rows in each, 32 bytes apart. */
TARGET INLINE void transpose(const int8_t *const *rows, int at, char *to) {
    const uint32x4_t r0 = vreinterpretq_u32_s8(vld1q_s8(rows[0] + at)), r1 = vreinterpretq_u32_s8(vld1q_s8(rows[1] + at));
    const uint32x4_t r2 = vreinterpretq_u32_s8(vld1q_s8(rows[2] + at)), r3 = vreinterpretq_u32_s8(vld1q_s8(rows[3] + at));
    const uint64x2_t a = vreinterpretq_u64_u32(vtrn1q_u32(r0, r1)), b = vreinterpretq_u64_u32(vtrn2q_u32(r0, r1));
    const uint64x2_t c = vreinterpretq_u64_u32(vtrn1q_u32(r2, r3)), d = vreinterpretq_u64_u32(vtrn2q_u32(r2, r3));
    vst1q_s8((int8_t *)to, vreinterpretq_s8_u64(vtrn1q_u64(a, c)));
    vst1q_s8((int8_t *)to + 32, vreinterpretq_s8_u64(vtrn1q_u64(b, d)));
    vst1q_s8((int8_t *)to + 64, vreinterpretq_s8_u64(vtrn2q_u64(a, c)));
    vst1q_s8((int8_t *)to + 96, vreinterpretq_s8_u64(vtrn2q_u64(b, d)));
}

/* The whole block; |c| times scale of each token, the largest of each lane, if the products are kept. */
TARGET INLINE void transpose_block(Prepared *p, const Block *block, const int lengths) {
    int32x4_t squares[2] = {vdupq_n_s32(0), vdupq_n_s32(0)};
    for (int step = 0; step < p->steps; step++) {
        char *to = p->transposed + step * STEP_BYTES;
        for (int i = 0; i < 2; i++) FETCH(block->ahead[(2 * step + i) % LANES] + 2 * step / LANES * 64);
        for (int half = 0; half < 2; half++) {
            transpose(block->rows + 4 * half, step * SUMMED, to + 16 * half);
            for (int i = 0; lengths && i < 4; i++) {
                const int8x16_t codes = vld1q_s8((const int8_t *)to + 16 * half + 32 * i);
                squares[half] = vdotq_s32(squares[half], codes, codes);
            }
        }
    }
    for (int half = 0; lengths && half < 2; half++) {
        const float32x4_t size = vabsq_f32(vld1q_f32(block->scales + 4 * half));
        const float32x4_t length = vmulq_f32(vsqrtq_f32(vcvtq_f32_s32(squares[half])), size);
        vst1q_f32(p->lengths + 4 * half, vmaxq_f32(vld1q_f32(p->lengths + 4 * half), length));
    }
}

#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)
#define BEGIN(r) int32x4_t a##r = vdupq_n_s32(0), b##r = a##r;
#define FOUR(r, i) \
    a##r = vdotq_laneq_s32(a##r, left[i], q, i); \
    b##r = vdotq_laneq_s32(b##r, right[i], q, i);
#define ADD(r) \
    if (r < rows) { \
        const int8x16_t q = vld1q_s8(query + r * SUMMED); \
        FOUR(r, 0) FOUR(r, 1) FOUR(r, 2) FOUR(r, 3) \
    }
#define KEEP_HALF(sum, at, scales) \
    { \
        const float32x4_t value = vmulq_f32(vcvtq_f32_s32(sum), scales); \
        vst1q_f32(best + (at), vmaxq_f32(vld1q_f32(best + (at)), value)); \
        if (values != NULL) vst1q_f32(values + (at) / LANES * CHUNK + (at) % LANES, value); \
    }
#define KEEP(r) \
    if (r < rows) { \
        KEEP_HALF(a##r, r * LANES, left_scales) \
        KEEP_HALF(b##r, r * LANES + 4, right_scales) \
    }
TARGET INLINE void multiply(const int rows, const Prepared *p, const Block *block, const int8_t *query, float *best,
                            float *values) {
    const float32x4_t left_scales = vld1q_f32(block->scales), right_scales = vld1q_f32(block->scales + 4);
    EACH_ROW(BEGIN)
    for (int step = 0; step < p->steps; step++, query += rows * SUMMED) {
        const int8_t *x = (const int8_t *)p->transposed + step * STEP_BYTES;
        const int8x16_t left[4] = {vld1q_s8(x), vld1q_s8(x + 32), vld1q_s8(x + 64), vld1q_s8(x + 96)};
        const int8x16_t right[4] = {vld1q_s8(x + 16), vld1q_s8(x + 48), vld1q_s8(x + 80), vld1q_s8(x + 112)};
        EACH_ROW(ADD)
    }
    EACH_ROW(KEEP)
}

typedef void (*Multiply)(const Prepared *, const Block *, const int8_t *, float *, float *);
#define MULTIPLY(rows) \
    TARGET static void multiply_##rows(const Prepared *p, const Block *block, const int8_t *query, float *best, float *values) { \
        multiply(rows, p, block, query, best, values); \
    }
MULTIPLY(1) MULTIPLY(2) MULTIPLY(3) MULTIPLY(4) MULTIPLY(5) MULTIPLY(6) MULTIPLY(7) MULTIPLY(8)
static const Multiply MULTIPLIERS[TILE] = {multiply_1, multiply_2, multiply_3, multiply_4,
                                           multiply_5, multiply_6, multiply_7, multiply_8};

TARGET static void multiply_block(Prepared *p, const Block *block, float *values) {
    if (values == NULL) transpose_block(p, block, 0);
    else transpose_block(p, block, 1);
    for (int row = 0; row < p->n_query; row += p->tile) {
        const int rows = p->n_query - row < p->tile ? p->n_query - row : p->tile;
        MULTIPLIERS[rows - 1](p, block, p->query + (size_t)row * p->steps * SUMMED, p->best + row * LANES,
                              values == NULL ? NULL : values + (size_t)row * CHUNK);
    }
}

TARGET void maxima_neon(const Work *w) { maxima_of_pages(w); }
TARGET void scan_neon(const Work *w, int n_slots) { scan_pages(w, n_slots); }
#endif
