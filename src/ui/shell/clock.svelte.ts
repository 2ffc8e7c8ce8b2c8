import { untrack } from 'svelte';

/** What a clock runs over: its end, and real seconds for the simulated ns at a time. */
export interface Course {
  readonly end: number;
  /** Real milliseconds that one simulated ns takes at `t`, ns. */
  readonly pace: (t: number) => number;
  /** Where the clock goes for one step or stage. */
  readonly step: (t: number, size: 'step' | 'stage', direction: 1 | -1) => number;
}

const NOWHERE: Course = { end: 0, pace: () => 1, step: () => 0 };
/** A tab that was hidden comes back where it was left. */
const LONGEST_FRAME = 100;
/** The pace changes within a frame: it is followed in pieces. */
const PIECES = 4;

/** The one clock: everything on the stage is drawn from `t`, simulated ns. */
export class Clock {
  t = $state(0);
  playing = $state(false);
  course = $state.raw<Course>(NOWHERE);
  /** A person who wants no motion gets the stages one by one. */
  readonly #reduced: () => boolean;
  #frame = 0;

  constructor(reduced: () => boolean) {
    this.#reduced = reduced;
  }

  get ended(): boolean {
    return this.t >= this.course.end;
  }

  /** From the start to the end; without motion the end is drawn at once. */
  run(): void {
    if (this.#reduced()) {
      this.seek(this.course.end);
      return;
    }
    this.t = 0;
    this.#play();
  }

  toggle(): void {
    if (this.playing) {
      this.pause();
      return;
    }
    if (this.#reduced()) {
      this.step('stage', 1, true);
      return;
    }
    if (this.ended) this.t = 0;
    this.#play();
  }

  pause(): void {
    this.playing = false;
    cancelAnimationFrame(this.#frame);
  }

  seek(t: number): void {
    this.pause();
    this.t = Math.min(this.course.end, Math.max(0, t));
  }

  /** `around`: from the end on to the start. */
  step(size: 'step' | 'stage', direction: 1 | -1, around = false): void {
    this.seek(around && direction > 0 && this.ended ? 0 : this.course.step(this.t, size, direction));
  }

  /** Another course: what had ended has ended there too, what stood at its start stands there. */
  follow(course: Course): void {
    // Called from effects, which must not run again for what is read and written here.
    untrack(() => {
      const ended = this.course.end > 0 && this.ended;
      this.course = course;
      if (ended) this.t = course.end;
      else this.t = Math.min(this.t, course.end);
    });
  }

  #play(): void {
    this.playing = true;
    let before: number | null = null;
    const frame = (now: number) => {
      if (!this.playing) return;
      let left = Math.min(LONGEST_FRAME, before === null ? 0 : now - before);
      before = now;
      let { t } = this;
      for (let piece = 0; piece < PIECES; piece++) {
        const part = left / (PIECES - piece);
        t += part / this.course.pace(t);
        left -= part;
      }
      this.t = Math.min(this.course.end, t);
      if (this.ended) this.playing = false;
      else this.#frame = requestAnimationFrame(frame);
    };
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(frame);
  }
}
