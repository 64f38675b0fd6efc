/** Models of one node in ONNX's protobuf format, so that no Python is needed to make them. */
export interface OnnxInput {
  readonly name: string;
  readonly shape: readonly number[];
}

const FLOAT = 1;
const INT = 2;

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}

const number = (field: number, value: number): number[] => [...varint(field * 8), ...varint(value)];
const bytes = (field: number, data: readonly number[]): number[] => [
  ...varint(field * 8 + 2),
  ...varint(data.length),
  ...data,
];
const text = (field: number, value: string): number[] => bytes(field, [...new TextEncoder().encode(value)]);

/** ValueInfoProto: name; type → tensor_type → elem_type and shape → dim → dim_value. */
function valueInfo({ name, shape }: OnnxInput): number[] {
  const dims = shape.flatMap((extent) => bytes(1, number(1, extent)));
  return [...text(1, name), ...bytes(2, bytes(1, [...number(1, FLOAT), ...bytes(2, dims)]))];
}

/**
 * @param operator such as `MatMul`
 * @param attributes integers
 */
export function onnxModel(
  operator: string,
  inputs: readonly OnnxInput[],
  output: OnnxInput,
  attributes: Readonly<Record<string, number>> = {},
): Uint8Array {
  const node = [
    ...inputs.flatMap((i) => text(1, i.name)),
    ...text(2, output.name),
    ...text(4, operator),
    ...Object.entries(attributes).flatMap(([name, value]) =>
      bytes(5, [...text(1, name), ...number(3, value), ...number(20, INT)]),
    ),
  ];
  const graph = [
    ...bytes(1, node),
    ...text(2, 'bench'),
    ...inputs.flatMap((i) => bytes(11, valueInfo(i))),
    ...bytes(12, valueInfo(output)),
  ];
  // ModelProto: ir_version 8, the graph, opset 17.
  return Uint8Array.from([...number(1, 8), ...bytes(7, graph), ...bytes(8, number(2, 17))]);
}
