/* Lines, blocks and rows of words on pages: layout.py says what they are, and does the same without this. Its rules
   compare neighbours, for which numpy needs a hundred passes. */

#include "_regions.h"

enum { LEFT, TOP, RIGHT, BOTTOM };

static float least(float a, float b) { return a < b ? a : b; }
static float most(float a, float b) { return a > b ? a : b; }

static float level(const float *box, const float *other) {
    const float shared = least(box[BOTTOM], other[BOTTOM]) - most(box[TOP], other[TOP]);
    return shared / most(least(box[BOTTOM] - box[TOP], other[BOTTOM] - other[TOP]), 1e-4f);
}

static int side_by_side(const float *before, const float *box, float aspect, const Rules *rules) {
    const float height = most(box[BOTTOM] - box[TOP], 1e-4f), other = most(before[BOTTOM] - before[TOP], 1e-4f);
    const float lower = least(height, other), gap = most(box[LEFT] - before[RIGHT], before[LEFT] - box[RIGHT]) * aspect;
    return level(box, before) >= 0.5f && gap <= rules->word_gap * lower && most(height, other) <= 1.7f * lower;
}

static int one_below_the_other(const float *above, const float *here, float height_above, float height, const Rules *rules) {
    const float lower = least(height, height_above), gap = here[TOP] - above[BOTTOM];
    const float shared = least(here[RIGHT], above[RIGHT]) - most(here[LEFT], above[LEFT]);
    const float narrower = least(here[RIGHT] - here[LEFT], above[RIGHT] - above[LEFT]);
    return here[TOP] > above[TOP] + 0.3f * lower && -0.6f * lower <= gap && gap <= rules->line_gap * lower &&
           shared >= 0.5f * narrower && most(height, height_above) <= 1.35f * lower;
}

static void take_in(float *bounds, const float *box) {
    for (int side = LEFT; side <= TOP; side++) bounds[side] = least(bounds[side], box[side]);
    for (int side = RIGHT; side <= BOTTOM; side++) bounds[side] = most(bounds[side], box[side]);
}

/* Those of a page, whose first word this is; the number of all lines then. */
static int64_t find_lines(const Words *w, const Layout *found, int64_t word, int64_t stop, float aspect, int64_t n) {
    while (word < stop) {
        const int64_t first = word;
        float *line = found->lines + 4 * n;
        double heights = 0;
        memcpy(line, w->boxes + 4 * word, 16);
        do {
            const float *box = w->boxes + 4 * word;
            heights += most(box[BOTTOM] - box[TOP], 1e-4f);
            take_in(line, box);
        } while (++word < stop && side_by_side(w->boxes + 4 * (word - 1), w->boxes + 4 * word, aspect, w->rules));
        found->first_words[n] = first;
        found->line_heights[n] = (float)(heights / (double)(word - first));
        found->lengths[n] = (line[RIGHT] - line[LEFT]) * aspect / found->line_heights[n];
        n++;
    }
    return n;
}

static int64_t find_blocks(const Words *w, const Layout *found, int64_t line, int64_t stop, int64_t n) {
    while (line < stop) {
        const int64_t first = line;
        float *block = found->blocks + 4 * n;
        double heights = 0, sizes = 0;
        memcpy(block, found->lines + 4 * line, 16);
        do {
            take_in(block, found->lines + 4 * line);
            heights += found->line_heights[line];
            sizes += found->lengths[line];
            found->block[line] = n;
        } while (++line < stop && one_below_the_other(found->lines + 4 * (line - 1), found->lines + 4 * line,
                                                      found->line_heights[line - 1], found->line_heights[line], w->rules));
        found->first_lines[n] = first;
        found->heights[n] = (float)(heights / (double)(line - first));
        found->sizes[n] = (float)sizes;
        n++;
    }
    return n;
}

/* Whether there is none beside it on the page. */
static int is_alone(const Layout *found, int64_t block, int64_t first, int64_t stop) {
    int beside = 0;
    for (int64_t other = first; other < stop; other++) beside += level(found->blocks + 4 * block, found->blocks + 4 * other) > 0.5f;
    return beside == 1; /* itself */
}

static void find_titles(const Words *w, const Layout *found, int64_t first, int64_t stop, float large_from) {
    const Rules *rules = w->rules;
    float first_prose = 1, at_head = 0;
    for (int64_t block = first; block < stop; block++) {
        const float size = found->sizes[block];
        found->titles[block] = found->heights[block] > large_from && size < rules->title;
        found->prose[block] = !found->titles[block] && size >= rules->prose;
        if (found->prose[block]) first_prose = least(first_prose, found->blocks[4 * block + TOP]);
    }
    for (int64_t block = first; block < stop; block++) {
        const float *box = found->blocks + 4 * block, middle = (box[TOP] + box[BOTTOM]) / 2, size = found->sizes[block];
        const int high = rules->edge < middle && middle < rules->head && box[TOP] < first_prose && size < rules->title;
        const int head = high && at_head++ < rules->at_head && is_alone(found, block, first, stop);
        found->titles[block] = (found->titles[block] || head) && size >= rules->shortest_title;
        found->prose[block] = found->prose[block] && !found->titles[block];
    }
}

static int64_t find_rows(const Words *w, const Layout *found, int64_t line, int64_t stop, int64_t n) {
    int64_t first_of_run = line, rows = 0; /* one below the other, all of several cells */
    while (line < stop) {
        const int64_t first = line;
        int goes_on;
        do {
            const int64_t block = found->block[line], next = line + 1 < stop ? found->block[line + 1] : block;
            found->row[line++] = n;
            goes_on = line < stop && !found->prose[block] && !found->prose[next] && found->titles[block] == found->titles[next] &&
                      level(found->lines + 4 * line, found->lines + 4 * (line - 1)) >= 0.5f;
        } while (goes_on);
        found->first_cells[n++] = first;
        const int several = line - first > 1;
        if (rows == 0 || !several) first_of_run = first;
        rows = several ? rows + 1 : 0;
        for (int64_t cell = rows == w->rules->table_rows ? first_of_run : first; cell < line; cell++)
            found->in_table[cell] = rows >= w->rules->table_rows;
    }
    return n;
}

void lay_out(const Words *w, const Layout *found, float *heights, int32_t *keys, int64_t counts[3]) {
    int64_t lines = 0, blocks = 0, rows = 0;
    for (int64_t i = 0; i < w->page_words[w->n_pages]; i++) heights[i] = most(w->boxes[4 * i + BOTTOM] - w->boxes[4 * i + TOP], 1e-4f);
    for (int64_t page = 0; page < w->n_pages; page++) {
        const int64_t first = w->page_words[page], stop = w->page_words[page + 1], start = 0;
        float usual;
        medians(heights + first, stop - first, &start, 1, keys, &usual);
        found->page_lines[page] = lines;
        found->page_blocks[page] = blocks;
        lines = find_lines(w, found, first, stop, w->aspects[page], lines);
        blocks = find_blocks(w, found, found->page_lines[page], lines, blocks);
        find_titles(w, found, found->page_blocks[page], blocks, w->rules->large * usual);
        rows = find_rows(w, found, found->page_lines[page], lines, rows);
    }
    found->page_lines[w->n_pages] = counts[0] = lines;
    found->page_blocks[w->n_pages] = counts[1] = blocks;
    counts[2] = rows;
}
