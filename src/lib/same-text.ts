import { createHash, timingSafeEqual } from 'node:crypto'

/** Whether two texts are the same; takes the same time wherever they differ, and however long they are. */
export function isSameText(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(one), digest(other))
}
