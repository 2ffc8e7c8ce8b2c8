import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { include: ['tests/unit/**/*.test.ts', 'tests/conformance/**/*.test.ts'], testTimeout: 60_000, allowOnly: false } });
