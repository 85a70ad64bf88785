/* Runs a generated model on this computer: the inputs' bytes from standard input, the outputs' to standard output. */
#include <stdio.h>

#include "kernels.h"

int main(void)
{
    for (const struct bench_tensor *tensor = bench_inputs; tensor->bytes > 0; tensor++) {
        if (fread(arena + tensor->offset, 1, tensor->bytes, stdin) != tensor->bytes)
            return 2;
    }
    if (infer() != 0)
        return 3;
    for (const struct bench_tensor *tensor = bench_outputs; tensor->bytes > 0; tensor++)
        fwrite(arena + tensor->offset, 1, tensor->bytes, stdout);
    return 0;
}
