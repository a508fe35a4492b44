/** This machine itself, as ranges of addresses: what the jobs of `run` and `dev` may reach beside what is public. */
export const loopback = '127.0.0.0/8,::1/128'
