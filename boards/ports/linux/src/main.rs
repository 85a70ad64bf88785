//! The agent is C, the port is C; cargo brings WAMR and links all three.

use std::ffi::{CString, c_char, c_int};

// Linked for WAMR's library alone: the agent calls it from C.
use wamrx_sys as _;

unsafe extern "C" {
    fn wamlet_linux_main(count: c_int, arguments: *const *const c_char) -> c_int;
}

fn main() {
    let arguments: Vec<CString> = std::env::args()
        .map(|argument| CString::new(argument).expect("an argument holds no zero"))
        .collect();
    let mut pointers: Vec<*const c_char> = arguments.iter().map(|argument| argument.as_ptr()).collect();
    pointers.push(std::ptr::null());
    // SAFETY: the array ends with a null pointer and outlives the call.
    let code = unsafe { wamlet_linux_main(arguments.len() as c_int, pointers.as_ptr()) };
    std::process::exit(code);
}
