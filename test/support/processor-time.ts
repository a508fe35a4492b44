/** How long this process computes while `work` runs, in milliseconds: whatever else the machine does at the time. */
export function processorMs(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}
