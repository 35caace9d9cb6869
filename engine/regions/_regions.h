/* What the parts of _regions share: what each finds, in plain loops that a compiler works through side by side. */

#ifndef PAGESIGHT_REGIONS_H
#define PAGESIGHT_REGIONS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define X86 1
#define AVX2 __attribute__((target("avx2")))
#else
#define X86 0
#endif
#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#else
#define INLINE static inline
#endif

/* What is found of groups that lie end to end (_groups.c): of a row of n numbers one number each, of n boxes one box each.
   keys: scratch memory for n. stretch: changes the row. */
typedef void OfGroups(float *row, ptrdiff_t n, const int64_t *first, ptrdiff_t n_groups, int32_t *keys, float *found);
OfGroups largest, medians, stretch, bounds;
int groups_in_order(const int64_t *first, ptrdiff_t n_groups, ptrdiff_t n);

/* Of each group that n points make up the values, each of which is spread over them by how near they are. */
typedef struct {
    const float *x, *y, *values; /* (n,) */
    const int64_t *first;        /* (n_groups,) */
    ptrdiff_t n_groups, n;
    float *found;                /* (n,) */
} Spread;
void spread_in_groups(const Spread *s);

/* Boxes on pages, and what is asked to be in them: the middles of others, which lie page after page. */
typedef struct {
    const float *boxes;       /* (n_boxes, 4) */
    const int64_t *pages;     /* (n_boxes,) the page of each */
    int64_t n_boxes;
    const float *others;      /* (n_others, 4) */
    int64_t n_others;
    const int64_t *page_ends; /* (n_pages + 1,) where the others of each page begin, and where all end */
    int64_t n_pages;
    int64_t *found_boxes, *found_others; /* the pairs, as many as there is room for */
    int64_t room;
} Places;

/* How many pairs there are; -1 if pages are not as they should be. x, y, is_in: scratch memory for n_others each. */
int64_t inside(const Places *p, float *x, float *y, uint8_t *is_in);

/* The largest space below a box without any of n obstacles, within another box; smallest: width and height. Whether there is one
   (_spaces.c). */
#define MOST_COLUMNS 64
int space_below(const float *box, const float *obstacles, int64_t n, const float *within, const float *smallest, int columns,
                float shared, float *found);

/* The numbers of engine/regions/layout.py. */
typedef struct {
    float word_gap, line_gap, large, prose, title, shortest_title, edge, head, at_head, table_rows;
} Rules;

/* The words of pages, which are none of them empty, end to end. */
typedef struct {
    const float *boxes;        /* (n, 4) */
    const int64_t *page_words; /* (n_pages + 1,) where those of each begin, and where all end */
    const float *aspects;      /* (n_pages,) */
    const Rules *rules;
    int64_t n_pages;
} Words;

/* What engine.regions.layout.Layout holds, each with room for n. line_heights: of each line. first_words: of each line. */
typedef struct {
    float *lines, *blocks;
    float *lengths, *line_heights, *heights, *sizes;
    int64_t *block, *row, *first_lines, *first_cells, *first_words;
    char *in_table, *titles, *prose;
    int64_t *page_lines, *page_blocks; /* (n_pages + 1,) */
} Layout;

/* counts: of lines, blocks and rows. heights, keys: scratch memory for n each (_layout.c). */
void lay_out(const Words *w, const Layout *found, float *heights, int32_t *keys, int64_t counts[3]);

#endif
