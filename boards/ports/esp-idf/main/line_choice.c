/* One host, several sockets. */
#include "line_choice.h"

bool wamlet_line_heard(struct wamlet_line_choice *choice, int line, uint64_t now)
{
    bool silent = choice->line == WAMLET_EVERY_LINE || now - choice->heard >= WAMLET_LINE_SILENCE;
    if (choice->line != line && !silent)
        return false;
    choice->line = line;
    choice->heard = now;
    return true;
}

bool wamlet_line_speaks(const struct wamlet_line_choice *choice, int line)
{
    return choice->line == WAMLET_EVERY_LINE || choice->line == line;
}
