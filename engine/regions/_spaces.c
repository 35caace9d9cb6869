/* Open space on pages, as spaces.py has it: a few small rectangles, for which numpy needs fifty passes. */

#include "_regions.h"

/* How far down each column is free. edges: (columns + 1,) of them. */
static void limits(const float *obstacles, int64_t n, const float *edges, float step, float top, float lowest, int columns, float *free) {
    for (int i = 0; i < columns; i++) free[i] = lowest;
    for (const float *o = obstacles; o < obstacles + 4 * n; o += 4) {
        if (!(o[3] > top + 0.005f)) continue;
        const float limit = o[1] > top ? o[1] : top;
        for (int i = 0; i < columns; i++)
            if (o[0] < edges[i] + step * 0.75f && o[2] > edges[i] + step * 0.25f && limit < free[i]) free[i] = limit;
    }
}

/* The largest rectangle below a box: from column i to column j the lowest of their limits holds. 0 if there is no room. */
int space_below(const float *box, const float *obstacles, int64_t n, const float *within, const float *smallest, int columns,
                float shared, float *found) {
    float edges[MOST_COLUMNS + 1], free[MOST_COLUMNS], best = 0;
    const float top = box[3], lowest = within[3], step = (within[2] - within[0]) / (float)columns;
    if (!(within[2] - within[0] >= smallest[0] && lowest - top >= smallest[1])) return 0;
    for (int i = 0; i <= columns; i++) edges[i] = within[0] + step * (float)i;
    limits(obstacles, n, edges, step, top, lowest, columns, free);
    for (int i = 0; i < columns; i++) {
        const float left = edges[i] > box[0] ? edges[i] : box[0];
        float reach = lowest;
        for (int j = i; j < columns; j++) {
            reach = free[j] < reach ? free[j] : reach;
            if (!(reach - top >= smallest[1])) break; /* nor has a wider one room */
            const float width = edges[j + 1] - edges[i], right = edges[j + 1] < box[2] ? edges[j + 1] : box[2];
            const float narrower = width < box[2] - box[0] ? width : box[2] - box[0], size = width * (reach - top);
            if (width >= smallest[0] && right - left >= shared * narrower && size > best) {
                best = size;
                const float space[4] = {edges[i], top, edges[j + 1], reach};
                memcpy(found, space, sizeof space);
            }
        }
    }
    return best > 0;
}
