import { fetchAssets } from './page-assets.ts';
import { serveEngines } from './serve-engines.ts';

serveEngines(fetchAssets);
