/** What devices can do at most, as their makers say. */
export interface DevicePeaks {
  readonly id: string;
  readonly name: string;
  /** Bytes per second from memory. */
  readonly bandwidth: number;
  /** Operations per second of its matrix units (16-bit factors, f32 sums, nothing sparse), or of its ALUs if it has none. */
  readonly peak: number;
  /** f32 operations per second of its ALUs: what a kernel without matrix units can reach. */
  readonly shaderPeak: number;
  /** Bytes of memory; absent where it is the machine's. */
  readonly memory?: number;
}

const G = 1e9;
const T = 1e12;

export const DEVICES: readonly DevicePeaks[] = [
  // NVIDIA H100 datasheet, SXM5: 1,979 TFLOP/s bf16 and f16 with sparsity, half without; 67 TFLOP/s f32; 3.35 TB/s.
  { id: 'h100', name: 'NVIDIA H100 SXM', bandwidth: 3.35 * T, peak: 989.4 * T, shaderPeak: 66.9 * T, memory: 80 * G },
  // NVIDIA H200 datasheet, SXM: the same chip with 141 GB at 4.8 TB/s.
  { id: 'h200', name: 'NVIDIA H200 SXM', bandwidth: 4.8 * T, peak: 989.4 * T, shaderPeak: 66.9 * T, memory: 141 * G },
  // NVIDIA A100 datasheet, 80 GB SXM: 312 TFLOP/s bf16, 19.5 TFLOP/s f32, 2,039 GB/s.
  { id: 'a100', name: 'NVIDIA A100 80 GB', bandwidth: 2.039 * T, peak: 312 * T, shaderPeak: 19.5 * T, memory: 80 * G },
  // NVIDIA Ada GPU architecture whitepaper: 165.2 TFLOP/s f16 with f32 sums, 82.6 TFLOP/s f32, 1,008 GB/s.
  {
    id: 'rtx4090',
    name: 'NVIDIA RTX 4090',
    bandwidth: 1.008 * T,
    peak: 165.2 * T,
    shaderPeak: 82.6 * T,
    memory: 24 * G,
  },
  // NVIDIA RTX Blackwell GPU architecture whitepaper: 209.5 TFLOP/s f16 with f32 sums, 104.8 TFLOP/s f32, 1,792 GB/s.
  {
    id: 'rtx5090',
    name: 'NVIDIA RTX 5090',
    bandwidth: 1.792 * T,
    peak: 209.5 * T,
    shaderPeak: 104.8 * T,
    memory: 32 * G,
  },
  // Apple's announcement of M1 (2.6 TFLOP/s f32); LPDDR4X-4266 on 128 bits. Its matrix operations run on the same ALUs.
  { id: 'm1', name: 'Apple M1', bandwidth: 68.3 * G, peak: 2.6 * T, shaderPeak: 2.6 * T },
  // Apple's announcement of M1 Max: 10.4 TFLOP/s, 400 GB/s.
  { id: 'm1max', name: 'Apple M1 Max', bandwidth: 400 * G, peak: 10.4 * T, shaderPeak: 10.4 * T },
  // Apple's announcements of M2 (3.6 TFLOP/s, 100 GB/s) and M2 Max (13.6 TFLOP/s, 400 GB/s).
  { id: 'm2', name: 'Apple M2', bandwidth: 100 * G, peak: 3.6 * T, shaderPeak: 3.6 * T },
  { id: 'm2max', name: 'Apple M2 Max', bandwidth: 400 * G, peak: 13.6 * T, shaderPeak: 13.6 * T },
  // Laptop: Intel Iris Xe with 96 execution units of 8 lanes at 1.35 GHz, LPDDR4X-4267 on 128 bits.
  { id: 'irisxe', name: 'Intel Iris Xe (laptop)', bandwidth: 68.3 * G, peak: 2.07 * T, shaderPeak: 2.07 * T },
  // Laptop: AMD Radeon 780M, 12 compute units of 64 lanes (issued twice in the best case) at 2.7 GHz, LPDDR5X-7500.
  { id: 'radeon780m', name: 'AMD Radeon 780M (laptop)', bandwidth: 120 * G, peak: 16.6 * T, shaderPeak: 8.29 * T },
];

/** By id or name, whatever its case, spaces and hyphens. */
export function findDevice(text: string): DevicePeaks | undefined {
  const plain = (s: string): string => s.toLowerCase().replace(/[^a-z0-9]/g, '');
  const wanted = plain(text);
  return DEVICES.find((d) => d.id === wanted || plain(d.name) === wanted);
}
