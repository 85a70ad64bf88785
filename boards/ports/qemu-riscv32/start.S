/* Start-up and the one interrupt: the watchdog's. */
    .section .entry, "ax"
    .globl machine_entry
machine_entry:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la sp, machine_stack_top
    la t0, machine_trap
    csrw mtvec, t0
    la a0, machine_bss_start
    la a1, machine_bss_end
1:  bgeu a0, a1, 2f
    sw zero, 0(a0)
    addi a0, a0, 4
    j 1b
2:  la a0, machine_data_start
    la a1, machine_data_end
    la a2, machine_data_source
3:  bgeu a0, a1, 4f
    lw t0, 0(a2)
    sw t0, 0(a0)
    addi a0, a0, 4
    addi a2, a2, 4
    j 3b
4:  call main
    j .

/*
 * The watchdog has expired (mcause 0x80000007): return to machine_stopped in place of the module, whose registers
 * nobody needs any more. Anything else is a fault of the agent itself: start anew.
 */
    .align 2
machine_trap:
    csrr t0, mcause
    li t1, 0x80000007
    bne t0, t1, machine_reset
    li t0, 0x80
    csrc mie, t0
    la t0, machine_stopped
    csrw mepc, t0
    mret
