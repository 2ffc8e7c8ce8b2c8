import js from '@eslint/js';
import globals from 'globals';
import importX from 'eslint-plugin-import-x';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import svelte from 'eslint-plugin-svelte';
import ts from 'typescript-eslint';

/** Imports point one way: ui → simulation → datapaths, cost → packet, kubernetes (docs: README, "Layout"). */
const zone = (target, from) => ({ target: `./src/${target}`, from: from.map((f) => `./src/${f}`) });

export default ts.config(
  { ignores: ['dist', 'node_modules', 'wasm/pkg', 'wasm/target', 'src/i18n/paraglide', 'test-results', 'playwright-report', '.svelte-kit'] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  { languageOptions: { globals: { ...globals.browser, ...globals.node } } },
  { files: ['**/*.svelte', '**/*.svelte.ts'], languageOptions: { parserOptions: { parser: ts.parser } } },
  {
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver()] },
    rules: {
      'no-undef': 'off', // TypeScript's own check
      '@typescript-eslint/no-non-null-assertion': 'off', // hot loops over typed arrays
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'import-x/no-cycle': 'error',
      'import-x/no-restricted-paths': [
        'error',
        {
          zones: [
            zone('packet', ['kubernetes', 'datapaths', 'cost', 'simulation', 'ui', 'i18n', 'cli', 'cli.ts']),
            zone('kubernetes', ['packet', 'datapaths', 'cost', 'simulation', 'ui', 'i18n', 'cli', 'cli.ts']),
            zone('datapaths', ['cost', 'simulation', 'ui', 'i18n', 'cli', 'cli.ts']),
            zone('cost', ['kubernetes', 'simulation', 'ui', 'i18n', 'cli', 'cli.ts']),
            zone('simulation', ['ui', 'i18n', 'cli', 'cli.ts']),
            zone('i18n', ['kubernetes', 'packet', 'datapaths', 'cost', 'simulation', 'ui', 'cli', 'cli.ts']),
            zone('ui', ['cli', 'cli.ts']),
            { target: './src/datapaths/iptables/kube-proxy', from: ['./src/datapaths/iptables/netfilter', './src/datapaths/ebpf'] },
            { target: './src/datapaths/iptables/netfilter', from: ['./src/datapaths/iptables/kube-proxy', './src/datapaths/ebpf', './src/kubernetes'] },
            { target: './src/datapaths/ebpf', from: ['./src/datapaths/iptables'] },
          ],
        },
      ],
    },
  },
);
