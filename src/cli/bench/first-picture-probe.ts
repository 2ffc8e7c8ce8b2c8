import type { PresetName } from '../../kubernetes/presets.ts';
import { firstPicture } from './first-picture.ts';

// `first-picture-probe.ts PRESET [one]`: prints what its first picture takes as a line of JSON.
const [size = '50000', threads] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(firstPicture(size as PresetName, threads === 'one' ? 'one' : 'two'))}\n`);
