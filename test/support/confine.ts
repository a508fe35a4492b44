/**
 * `bun confine.ts FILE COMMAND…`: becomes the command, which may then use no system calls but those that the file names,
 * one a line, and make no sockets but those of IPv4, IPv6 and Unix: what a systemd unit confines a service to. The rest
 * answers EPERM, and clone3 ENOSYS, as there. Needs libseccomp.
 */
import { dlopen, ptr } from 'bun:ffi'
import { readFileSync } from 'node:fs'

const allow = 0x7f_ff_00_00
const fail = (errno: number): number => 0x5_00_00 | errno
const [eperm, enosys] = [1, 38]
const [unix, inet, inet6] = [1, 2, 10]
const equal = 4n

const seccomp = dlopen('libseccomp.so.2', {
  seccomp_init: { args: ['u32'], returns: 'ptr' },
  seccomp_syscall_resolve_name: { args: ['ptr'], returns: 'i32' },
  seccomp_rule_add_array: { args: ['ptr', 'u32', 'i32', 'u32', 'ptr'], returns: 'i32' },
  seccomp_load: { args: ['ptr'], returns: 'i32' },
}).symbols
const libc = dlopen('libc.so.6', { execv: { args: ['ptr', 'ptr'], returns: 'i32' } }).symbols

const [file = '', ...command] = process.argv.slice(2)
const filter = seccomp.seccomp_init(fail(eperm))
for (const name of readFileSync(file, 'utf8').trim().split('\n')) {
  if (name === 'socket') for (const family of [unix, inet, inet6]) add(name, allow, family)
  else add(name, name === 'clone3' ? fail(enosys) : allow)
}
must(seccomp.seccomp_load(filter), 'the filter could not be loaded')
const words = command.map(text)
const argv = new BigUint64Array([...words.map((word) => BigInt(ptr(word))), 0n])
libc.execv(ptr(words[0] ?? text('')), ptr(argv))
throw new Error(`${command[0]} could not be started`)

/** With `first`, only for calls with that as their first argument. Names that this machine does not know are left out. */
function add(name: string, action: number, first?: number): void {
  const number = seccomp.seccomp_syscall_resolve_name(ptr(text(name)))
  if (number < 0) return
  // struct scmp_arg_cmp: two 32-bit words (argument, comparison), two 64-bit ones (the value and a mask).
  const condition = new BigUint64Array([equal << 32n, BigInt(first ?? 0), 0n])
  must(seccomp.seccomp_rule_add_array(filter, action, number, first === undefined ? 0 : 1, ptr(condition)), name)
}

function must(result: number, what: string): void {
  if (result !== 0) throw new Error(`${what}: ${result}`)
}

function text(word: string): Uint8Array {
  return new TextEncoder().encode(`${word}\0`)
}
