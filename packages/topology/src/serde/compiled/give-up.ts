/**
 * Thrown by compiled code at the first surprise. The plain path then does the work again and finds the value or the error,
 * so that one place knows every message. Made once: nobody sees it, and a stack costs microseconds.
 */
export const GIVE_UP: Error = new Error('left to the plain path')

/** Thrown by compiled code that writes, when the buffer is too small. */
export const NEEDS_ROOM: Error = new Error('the buffer is too small')
