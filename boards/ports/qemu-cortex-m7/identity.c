/* What this board is; the machine is boards/ports/mps2. */
#include "machine.h"

const char machine_name[] = "qemu-cortex-m7";
const char machine_chip[] = "Cortex-M7F, emulated by QEMU (mps2-an500)";
