import type { Answer } from '../answer.ts';
import type { ProgramsApi } from './api.ts';

/** What the worker exposes: `ProgramsApi` with thrown errors as values. */
export type ProgramsWorkerApi = {
  readonly [Call in keyof ProgramsApi]: (...asked: Parameters<ProgramsApi[Call]>) => Promise<Answer<Awaited<ReturnType<ProgramsApi[Call]>>>>;
};
